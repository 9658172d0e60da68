/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who somebody on the bus is: uid, process, unit. */
#pragma once

#include <stdbool.h>

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
