/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives up the files of this process's user, by the kernel's Landlock. Knows no helper; may touch only the
 * kernel's switches of its own process. */
#pragma once

#include "daemon/helpers/confine.h"

/* The version of Landlock that the kernel offers to this process, 1 or more. 0: none; it was not built in, is
 * turned off at boot, or a filter of system calls refuses it. */
int landlock_version(void);

/* Leaves open for reading what programs of a distribution need (the list is in landlock.c) and readable, a
 * file or a folder, of which it is no error that there is none (NULL: nothing more); and for writing nothing.
 * No TCP port may be bound; with CONFINE_UNIX none may be connected to either. With CONFINE_INET no abstract
 * socket of others may be connected to, and with neither other processes be sent signals. What is open stays
 * so.
 *
 * version: at most what landlock_version() says; what a version does not know is not given up, and with 0
 * nothing is. Call it while there is a single thread, and before the system calls are given up. It cannot be
 * undone. 0 or negative errno. */
int landlock_restrict(int version, enum confine_sockets sockets, const char *readable);
