/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bind and listen, after a look at the address. */
#include "sandbox/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <glib.h>

#include "daemon/util/cleanup.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t read_address(const char *text, unsigned port, union address *ret)
{
    *ret = (union address){0};
    if (inet_pton(AF_INET, text, &ret->v4.sin_addr) == 1) {
        ret->v4.sin_family = AF_INET;
        ret->v4.sin_port = htons((uint16_t)port);
        return ntohl(ret->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET ? sizeof ret->v4 : 0;
    }
    if (inet_pton(AF_INET6, text, &ret->v6.sin6_addr) != 1)
        return 0;
    ret->v6.sin6_family = AF_INET6;
    ret->v6.sin6_port = htons((uint16_t)port);
    return IN6_IS_ADDR_LOOPBACK(&ret->v6.sin6_addr) ? sizeof ret->v6 : 0;
}

int listen_loopback(const char *address, unsigned port, unsigned *ret_port)
{
    const int yes = 1;
    union address wanted, bound;
    socklen_t length = read_address(address, port, &wanted), bound_length = sizeof bound;
    _cleanup_close_ int fd = -1;

    if (length == 0)
        return -EADDRNOTAVAIL;
    fd = socket(wanted.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
        bind(fd, &wanted.any, length) < 0 || listen(fd, SOMAXCONN) < 0 ||
        getsockname(fd, &bound.any, &bound_length) < 0)
        return -errno;
    *ret_port = ntohs(bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
    return g_steal_fd(&fd);
}
