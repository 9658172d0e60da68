/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A process, held fast: whether it still runs, whoever has its number by then, and whether or not it can be
 * seen. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct process_watch;

/* NULL: there is no such process (a thread is none), or no descriptor to be had. */
struct process_watch *process_watch_new(pid_t pid);
struct process_watch *process_watch_free(struct process_watch *watch);

bool process_watch_is_alive(const struct process_watch *watch);
