/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper gives up before it reads the first byte from outside. Knows no helper; may touch only the
 * kernel's switches of its own process. */
#pragma once

enum confine_sockets {
    CONFINE_INET, /* Internet sockets (and the routing table, for getaddrinfo), no AF_UNIX */
    CONFINE_UNIX, /* AF_UNIX sockets, no Internet */
};

/* Has the kernel kill this process when its parent ends; bus_fd is the socketpair that the parent made. 0, or
 * negative errno; -ESRCH: the parent has ended already. */
int confine_die_with_parent(int bus_fd);

/* No core dump, no ptrace and no /proc/PID/mem for other processes of the same user. 0 or negative errno. */
int confine_hide_memory(void);

/* So that a document from outside can't take all memory that keyturnd and its helpers have together: an
 * allocation beyond 96 MiB fails. 0 or negative errno. */
int confine_limit_memory(void);

/* Gives up new privileges and every system call that is not on the list in confine.c: a refused one fails
 * with EPERM. Call it while there is a single thread. It cannot be undone. 0 or negative errno. */
int confine_system_calls(enum confine_sockets sockets);
