/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key into somebody's pipe, so that nobody who watches the bus can read it. */
#pragma once

#include <stdbool.h>

#include "daemon/core/secret.h"

/* Whether it is a pipe or FIFO that is open for writing. */
bool pipe_is_write_end(int fd);

/* The secret in one piece, or nothing; never waits. 0, -EAGAIN: the pipe is full, -EPIPE: nobody reads.
 * SIGPIPE has to be ignored. */
int pipe_give(int fd, const struct secret *secret);
