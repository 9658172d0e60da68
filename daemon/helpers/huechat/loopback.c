/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which hosts are this machine. Pure. */
#include "daemon/helpers/huechat/loopback.h"

#include <string.h>

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>

static bool is_127(struct in_addr address)
{
    return ntohl(address.s_addr) >> 24 == 127;
}

bool loopback_host(const char *host)
{
    g_autofree char *bare = NULL;
    size_t length = strlen(host);
    struct in6_addr v6;
    struct in_addr v4;

    if (length > 2 && host[0] == '[' && host[length - 1] == ']')
        bare = g_strndup(host + 1, length - 2);
    else
        bare = g_strdup(host);
    if (inet_pton(AF_INET, bare, &v4) == 1)
        return is_127(v4);
    if (inet_pton(AF_INET6, bare, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return g_ascii_strcasecmp(bare, "localhost") == 0;
}

bool loopback_address(const struct sockaddr *address)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (address->sa_family) {
    case AF_INET:
        memcpy(&v4, address, sizeof(v4));
        return is_127(v4.sin_addr);
    case AF_INET6:
        memcpy(&v6, address, sizeof(v6));
        return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
    }
    return false;
}
