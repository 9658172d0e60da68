/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a key comes through: a pair of sockets, one end for us and one that is lent to keyturnd. Whoever
 * watches the bus gets the lent end too. It can't read from there what others write into it, nor open it anew
 * through /proc, as it could a pipe; but it can write, so what comes is believed by its sender alone. */
#pragma once

#include <sys/types.h>

/* The caller closes both. Returns 0 or a negative errno. */
int channel_open(int *ret_ours, int *ret_lent);

/* Takes the one message that has to be there by now. *ret_key is the caller's, to be erased. Returns 0,
 * -EKEYREJECTED if a process other than `sender` wrote it, or another negative errno. */
int channel_take(int ours, pid_t sender, char **ret_key);
