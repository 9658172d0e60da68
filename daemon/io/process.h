/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel and systemd's runtime files say of a process: its start, its name, its unit and that unit's
 * invocation. Reads /proc and /run alone; never waits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* This boot, 32 hex digits. The caller frees it (g_free). */
char *process_boot_id(void);

/* When it started, in clock ticks since boot. -ESRCH: it is gone; -EACCES: it is there, but hidden from us.
 */
int process_start_time(pid_t pid, uint64_t *ret);

/* Its comm, printable (util/text.h), or "" where it can't be read. The caller frees it (g_free). */
char *process_name(pid_t pid);

/* The service it belongs to under the system's or (user) the user's manager; *ret is NULL where it is in
 * none. The caller frees it (g_free). 0; negative errno: that can't be told. */
int process_unit(pid_t pid, bool user, char **ret);

/* The unit's running invocation as its manager notes it, or NULL: it does not run. The caller frees it
 * (g_free). */
char *unit_invocation(const char *unit, bool user);
