/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* git log, run so that nothing which a repository's own settings name is run by it, and so that it can take
 * no more than so much memory and time. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct git {
    pid_t pid;
    int output;
    FILE *stream; /* what it says */
    bool hangs;   /* it did nothing for too long, and was killed */
};

/* Starts it; the stream is git's until git_end(). Returns 0 or a negative errno. */
int git_start(const char *folder, struct git *git);

/* Waits for its end. NULL: it ended well; else what is wrong, in few words. */
const char *git_end(struct git *git);
