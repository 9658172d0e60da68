/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a helper program with nothing of ours but the one socket that it needs. */
#pragma once

#include <sys/types.h>

#include <systemd/sd-bus.h>

#include "daemon/io/gate.h"

/* Runs "program --bus-fd N", with "--read PATH" if readable is one; *ret is the connection to it, started,
 * not attached, and *ret_gate what comes from it passes. The program gets no other descriptor than that and
 * output_fd as standard output and error, no blocked or ignored signal, and of the environment only what
 * spawn.c lists. From the main thread alone: helpers end with the thread that started them. Returns the pid,
 * which the caller reaps, or negative errno.
 */
pid_t spawn_helper(sd_event *event, const char *program, const char *readable, int output_fd, sd_bus **ret,
                   struct gate **ret_gate);
