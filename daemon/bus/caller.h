/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who somebody on the bus is: uid, process, unit. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "daemon/bus/units.h"
#include "daemon/core/holder.h"
#include "daemon/core/policy.h"

struct caller {
    char *sender; /* NULL: it did not call */
    char *user;
    char **groups;
    char *unit;           /* that it is in, believed or not */
    struct holder holder; /* boot id, unit, invocation, pid, start time, uid, command */
    struct subject subject;
    char *text; /* for people: "alice, crm.service (pid 4711)" */
};

/* uid: (uid_t)-1 where it is not known. system_mode decides which manager's units count. */
struct caller *caller_new(uid_t uid, pid_t pid, const struct unit *unit, bool system_mode);
struct caller *caller_free(struct caller *caller);

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
