/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key through a socket, so that it is no part of a message that somebody who watches the bus could read. */
#pragma once

#include <stdbool.h>

#include "daemon/core/secret.h"

/* Whether it is a connected AF_UNIX socket; never waits, whatever it is. A pipe is not good enough: its end
 * can be opened anew for reading through /proc by whoever of that user got hold of it. */
bool delivery_is_possible(int fd);

/* The secret in one piece, or nothing, into such a socket; never waits. 0, -EAGAIN: it is full, -EPIPE:
 * nobody reads. */
int delivery_give(int fd, const struct secret *secret);

/* A socket with the secret in it, which ends after it, and *ret_ours, the other end, by which is seen whether
 * it was read. The caller closes both. Negative errno. */
int delivery_open(const struct secret *secret, int *ret_ours);
