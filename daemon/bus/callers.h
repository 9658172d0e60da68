/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is behind a unique name of the bus. Asked once and kept until the name goes. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "daemon/bus/caller.h"

struct callers;

/* system_mode decides which manager's units count. */
struct callers *callers_new(sd_bus *bus, bool system_mode);
struct callers *callers_free(struct callers *callers);

/* caller is NULL where it can't be told (the bus does not say, or it has gone): then nothing is allowed.
 * Valid during the call. fn may be called from inside. */
typedef void (*caller_fn)(const struct caller *caller, sd_bus_message *call, void *userdata);

/* Who sent the call. */
void callers_identify(struct callers *callers, sd_bus_message *call, caller_fn fn, void *userdata);

/* Somebody else, for Explain: by name on the bus, or by process; the call is only handed on. */
void callers_look_at_name(struct callers *callers, const char *name, sd_bus_message *call, caller_fn fn,
                          void *userdata);
void callers_look_at_process(struct callers *callers, pid_t pid, sd_bus_message *call, caller_fn fn,
                             void *userdata);
