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
