/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is behind a unique name of the bus. Asked once and kept until the name goes; what can't be told is
 * asked again. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/bus/caller.h"

struct callers;

/* system_mode decides which manager's units count. Negative errno. */
int callers_new(sd_event *event, sd_bus *bus, bool system_mode, struct callers **ret);

/* Whoever still waits is told CALLER_LEFT. */
struct callers *callers_free(struct callers *callers);

enum caller_answer {
    CALLER_KNOWN,
    CALLER_UNKNOWN,  /* the bus does not say who it is, or its process has ended: nothing is allowed */
    CALLER_LEFT,     /* it is no longer on the bus: nobody waits for an answer */
    CALLER_TOO_LONG, /* its call can't wait for the answer: its arguments take more than KEPT_CALL_MAX */
    CALLER_BUSY,     /* it can't be told now, or too many of its calls wait for that: it is to ask again */
};

/* What people are told then. */
#define CALLER_BUSY_TEXT "it can't be told now who you are: try again in a moment"

/* caller is NULL unless it is known, and valid during the call; so is the message, which is the call or a
 * copy of it that can be read and answered like it. fn is called once, from inside or later. */
typedef void (*caller_fn)(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                          void *userdata);

/* Whether uid and process will do, where systemd has not told the unit for two seconds: it may be busy, and
 * others may keep it so. NULL: they will. */
typedef bool (*caller_enough_fn)(const struct caller *so_far, sd_bus_message *call, void *userdata);

/* Who sent the call. What it holds is read afterwards, from what fn gets. */
void callers_identify(struct callers *callers, sd_bus_message *call, caller_enough_fn enough, caller_fn fn,
                      void *userdata);

/* The sender, if it is known (or what is known of it has to do) and still there; else NULL. */
const struct caller *callers_find(struct callers *callers, const char *sender);

/* Somebody else, for Explain: by name on the bus, or by process; the call is only handed on. */
void callers_look_at_name(struct callers *callers, const char *name, sd_bus_message *call, caller_fn fn,
                          void *userdata);
void callers_look_at_process(struct callers *callers, pid_t pid, sd_bus_message *call, caller_fn fn,
                             void *userdata);
