/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key into a descriptor of the caller's, so that nobody who watches the bus can read it. */
#pragma once

#include <stdbool.h>

#include "daemon/core/secret.h"

/* Whether it is the write end of a pipe, or a connected AF_UNIX socket. A pipe's end can be opened anew for
 * reading through /proc by whoever of that user got hold of it; a socket's can't, so keyturn's own programs
 * pass one. */
bool delivery_is_possible(int fd);

/* The secret in one piece, or nothing; never waits. 0, -EAGAIN: it is full, -EPIPE: nobody reads. SIGPIPE has
 * to be ignored. */
int delivery_give(int fd, const struct secret *secret);
