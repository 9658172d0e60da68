/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which hosts are this machine: only to those may a key travel unencrypted. Pure. */
#pragma once

#include <stdbool.h>

#include <sys/socket.h>

/* Whether the host of a URL is written as "localhost", in 127.0.0.0/8, or as ::1 (in brackets or without). */
bool loopback_host(const char *host);

/* Whether an address to connect to is in 127.0.0.0/8, or ::1. */
bool loopback_address(const struct sockaddr *address);
