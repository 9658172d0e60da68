/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sent: the file status flags are the caller's, so a write could block. A descriptor that is no socket may be
 * of a file system that its owner serves, so nothing is asked of it that goes further than the table of
 * descriptors. */
#include "daemon/io/delivery.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

bool delivery_is_possible(int fd)
{
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer, size = sizeof(int);
    int domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0;
}

int delivery_give(int fd, const struct secret *secret)
{
    size_t length = secret_length(secret);
    ssize_t n = send(fd, secret_text(secret), length, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0)
        return -errno;
    return (size_t)n == length ? 0 : -EIO;
}

int delivery_open(const struct secret *secret, int *ret_ours)
{
    int ends[2], r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    r = delivery_give(ends[0], secret);
    if (r == 0 && shutdown(ends[0], SHUT_WR) < 0)
        r = -errno;
    if (r == 0) {
        *ret_ours = ends[0];
        return ends[1];
    }
    close(ends[0]);
    close(ends[1]);
    return r;
}
