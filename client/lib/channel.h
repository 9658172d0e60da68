/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a key comes through: a pair of sockets. On a user's bus one end is ours and one is lent to keyturnd.
 * Whoever watches the bus gets the lent end too. It can't read from there what others write into it, nor open
 * it anew through /proc, as it could a pipe; but it can write, so what comes is believed by its sender alone.
 * On the system's bus, where only root may watch, the pair is keyturnd's, and one end is given to us with the
 * key in it. */
#pragma once

#include <sys/types.h>

/* The caller closes both. Returns 0 or a negative errno. */
int channel_open(int *ret_ours, int *ret_lent);

/* Takes the one message that has to be there by now. *ret_key is the caller's, to be erased. Returns 0,
 * -EKEYREJECTED if a process other than `sender` wrote it, or another negative errno. */
int channel_take(int ours, pid_t sender, char **ret_key);

/* Takes what has to be in a socket that keyturnd made and gave out, which stays open; never waits. As above.
 */
int channel_read(int read_end, char **ret_key);
