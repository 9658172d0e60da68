/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the C library does not know of sockets yet. */
#pragma once

#include <sys/socket.h>

/* Linux 6.16: whether descriptors may be sent into it. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

/* Lets no descriptors in, where the kernel can do that (it is no failure where it can't): whoever drops the
 * last copy of a descriptor may have to wait for what it is of. Returns 0 or negative errno. */
int socket_refuse_descriptors(int fd);
