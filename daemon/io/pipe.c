/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spliced from a pipe of our own: the caller's file status flags are the caller's, so a write could block. */
#include "daemon/io/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/util/cleanup.h"

bool pipe_is_write_end(int fd)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);

    return fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode) && flags >= 0 &&
           (flags & O_ACCMODE) != O_RDONLY;
}

int pipe_give(int fd, const struct secret *secret)
{
    _cleanup_close_ int read_end = -1, write_end = -1;
    size_t length = secret_length(secret);
    int ends[2];
    ssize_t n;

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -errno;
    read_end = ends[0];
    write_end = ends[1];
    n = write(write_end, secret_text(secret), length);
    if (n >= 0)
        n = splice(read_end, NULL, fd, NULL, length, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -EIO;
}
