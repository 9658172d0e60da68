/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses: the host that keyturnd sees is the only one that anybody could see, and plain HTTP stays on this
 * machine. */
#include "tests/fuzz/fuzz.h"

#include "daemon/core/url.h"
#include "daemon/helpers/huechat/loopback.h"

static void assert_plain(const char *url)
{
    for (const char *c = url; *c != '\0'; c++)
        fuzz_assert(g_ascii_isgraph(*c) && strchr("\\\"<>{}|^`?#%", *c) == NULL);
}

/* By hand, as a careless parser would: what is between "//" and the next slash. */
static char *authority(const char *url)
{
    const char *start = strstr(url, "://") + 3;

    return g_strndup(start, strcspn(start, "/"));
}

static void assert_base(const char *url)
{
    g_autofree char *host = authority(url), *bare = NULL;
    const char *port;

    assert_plain(url);
    fuzz_assert(*host != '\0' && strchr(host, '@') == NULL && !g_str_has_suffix(url, "/"));
    fuzz_assert(url_same_host(url, url));
    port = *host == '[' ? strchr(host, ']') + 1 : host + strcspn(host, ":");
    bare = g_strndup(host, (gsize)(port - host));
    fuzz_assert(*port == '\0' || (*port == ':' && port[1 + strspn(port + 1, "0123456789")] == '\0'));
    fuzz_assert(g_str_has_prefix(url, "https://") ||
                (g_str_has_prefix(url, "http://") && loopback_host(bare)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) base = NULL, path = NULL, proxy = NULL;
    bool good = url_check_base(text, &base);

    fuzz_assert_outcome(good, base);
    if (good)
        assert_base(text);
    good = url_check_path(text, true, &path);
    fuzz_assert_outcome(good, path);
    for (const char *c = text; good && *c != '\0'; c++)
        fuzz_assert(g_ascii_isgraph(*c) && *c != '#' && *c != '\\');
    good = url_check_proxy(text, &proxy);
    fuzz_assert_outcome(good, proxy);
    if (good)
        assert_plain(text);
    return 0;
}
