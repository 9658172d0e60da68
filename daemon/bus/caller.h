/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is behind a unique name of the bus: uid, process, unit. Asked once and kept until the name goes. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "daemon/core/holder.h"
#include "daemon/core/policy.h"

struct callers;

struct caller {
    char *sender;
    char *user;
    char **groups;
    struct holder holder; /* boot id, unit, invocation, pid, start time, uid, command */
    struct subject subject;
    char *text; /* for people: "alice, crm.service (pid 4711)" */
};

/* system_mode decides which manager's units count. */
struct callers *callers_new(sd_bus *bus, bool system_mode);
struct callers *callers_free(struct callers *callers);

/* caller is NULL where it can't be told (the bus does not say, or it has gone): then nothing is allowed.
 * Valid during the call. fn is called from inside where the caller is known already. */
typedef void (*caller_fn)(const struct caller *caller, sd_bus_message *call, void *userdata);

void callers_identify(struct callers *callers, sd_bus_message *call, caller_fn fn, void *userdata);

/* A process that did not call, for Explain: what is known of it, or NULL. The caller frees it. */
struct caller *caller_of_process(pid_t pid, bool system_mode);
struct caller *caller_free(struct caller *caller);
