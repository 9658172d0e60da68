/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listening socket that only this machine can reach. */
#pragma once

/* Listens on a loopback address ("127.0.0.1", "::1"); port 0: any free one. Returns the socket and sets
 * *ret_port, or negative errno; -EADDRNOTAVAIL: that is no loopback address. */
int listen_loopback(const char *address, unsigned port, unsigned *ret_port);
