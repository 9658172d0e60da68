/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who fetched a key: a service is its invocation, anything else its process (rotation.md, gate 4). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/util/clock.h"
#include "daemon/util/watch.h"

struct holder {
    char *boot_id;       /* 32 hex digits */
    char *unit;          /* a service; else "" */
    char *invocation_id; /* of the unit, else "" */
    pid_t pid;
    uint64_t start_time; /* clock ticks since boot, of a process; 0 for a unit */
    uid_t uid;
    char *command; /* comm of the process, for people; "" where it can't be read */
    uint64_t generation;
    usec_t first_at, last_at;
    uint64_t count;
    struct process_watch *watch; /* of a process that is hidden from us; a copy has none. NULL: none */
};

struct holder *holder_copy(const struct holder *holder);
struct holder *holder_free(struct holder *holder);

/* The same holder, of whichever generation. */
bool holder_is_same(const struct holder *a, const struct holder *b);

/* "crm.service (pid 4711)" or "python3 (pid 4711)". The caller frees it (g_free). */
char *holder_describe(const struct holder *holder);
