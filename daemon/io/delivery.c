/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sent, or spliced from a pipe of our own: the file status flags are the caller's, so a write could block. */
#include "daemon/io/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/util/cleanup.h"

static bool is_unix_socket(int fd)
{
    int domain = -1;
    socklen_t size = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

bool delivery_is_possible(int fd)
{
    struct stat status;
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fstat(fd, &status) < 0)
        return false;
    if (S_ISSOCK(status.st_mode))
        return is_unix_socket(fd);
    return S_ISFIFO(status.st_mode) && (flags & O_ACCMODE) != O_RDONLY;
}

static ssize_t splice_into(int fd, const struct secret *secret)
{
    _cleanup_close_ int read_end = -1, write_end = -1;
    size_t length = secret_length(secret);
    int ends[2];

    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return -1;
    read_end = ends[0];
    write_end = ends[1];
    if (write(write_end, secret_text(secret), length) < 0)
        return -1;
    return splice(read_end, NULL, fd, NULL, length, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

int delivery_give(int fd, const struct secret *secret)
{
    size_t length = secret_length(secret);
    ssize_t n = is_unix_socket(fd) ? send(fd, secret_text(secret), length, MSG_DONTWAIT | MSG_NOSIGNAL)
                                   : splice_into(fd, secret);

    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -EIO;
}
