/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict on purpose: what another parser of URLs could read otherwise is refused. */
#include "daemon/core/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "daemon/core/errors.h"

#define HOST_CHARS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ".-_:" /* ':' in a literal IPv6 address */
#define URL_CHARS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "/-._~!$&'()*+,;=:@"
#define PATH_CHARS URL_CHARS "%"

static bool fail(GError **error, const char *problem)
{
    g_set_error_literal(error, KT_ERROR, KT_INVALID, problem);
    return false;
}

/* 127.0.0.0/8, ::1, or localhost. */
static bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcmp(host, "localhost") == 0;
}

/* A URL of scheme, host, port and path alone. NULL with an error. */
static GUri *parse_plain(const char *url, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_ENCODED, NULL);
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;

    if (host == NULL || *host == '\0' || strspn(host, HOST_CHARS) != strlen(host) ||
        strspn(url, URL_CHARS "[]?#") != strlen(url)) {
        fail(error, "no such address: write https://HOST/PATH");
        return NULL;
    }
    if (g_uri_get_userinfo(uri) != NULL) {
        fail(error, "no user or password belongs in it: leave out what stands before the @");
        return NULL;
    }
    if (g_uri_get_query(uri) != NULL || g_uri_get_fragment(uri) != NULL) {
        fail(error, "no query belongs in it: end it before the ? or #");
        return NULL;
    }
    return g_steal_pointer(&uri);
}

bool url_check_base(const char *url, GError **error)
{
    g_autoptr(GUri) uri = parse_plain(url, error);

    if (uri == NULL)
        return false;
    if (g_str_has_suffix(url, "/"))
        return fail(error, "no slash belongs at its end: leave it out");
    if (g_str_has_prefix(url, "https://"))
        return true;
    if (g_str_has_prefix(url, "http://") && host_is_loopback(g_uri_get_host(uri)))
        return true;
    return fail(error, "keys go over https, or over http to a loopback address: write https://HOST/PATH");
}

bool url_check_path(const char *path, bool may_have_query, GError **error)
{
    size_t length = strspn(path, may_have_query ? PATH_CHARS "?" : PATH_CHARS);

    if (*path != '/' || path[1] == '/' || path[length] != '\0')
        return fail(error, "no such path: begin it with one slash, and write other signs as %XX");
    if (g_str_has_suffix(path, "/"))
        return fail(error, "no slash belongs at its end: leave it out");
    return true;
}

bool url_check_proxy(const char *url, GError **error)
{
    static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h", NULL};
    g_autoptr(GUri) uri = parse_plain(url, error);

    if (uri == NULL)
        return false;
    if (!g_strv_contains(schemes, g_uri_get_scheme(uri)))
        return fail(error, "no such kind of proxy: write http://HOST:PORT, https:// or socks5h://");
    return true;
}

bool url_same_host(const char *a, const char *b)
{
    g_autoptr(GUri) uri_a = g_uri_parse(a, G_URI_FLAGS_ENCODED, NULL);
    g_autoptr(GUri) uri_b = g_uri_parse(b, G_URI_FLAGS_ENCODED, NULL);

    return uri_a != NULL && uri_b != NULL && g_uri_get_host(uri_a) != NULL && g_uri_get_host(uri_b) != NULL &&
           g_ascii_strcasecmp(g_uri_get_host(uri_a), g_uri_get_host(uri_b)) == 0;
}
