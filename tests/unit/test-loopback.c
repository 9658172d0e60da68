/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which hosts are this machine. */
#include "daemon/helpers/huechat/loopback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>

static bool address_is_loopback(int family, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (family == AF_INET) {
        assert_int_equal(inet_pton(family, text, &v4.sin_addr), 1);
        return loopback_address((struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(family, text, &v6.sin6_addr), 1);
    return loopback_address((struct sockaddr *)&v6);
}

static void test_loopback(void **state)
{
    static const char *const right[] = {"localhost", "LocalHost", "127.0.0.1", "127.255.0.3", "::1", "[::1]"};
    static const char *const wrong[] = {"",        "localhost.", "localhost.a", "a",     "128.0.0.1",
                                        "0.0.0.0", "127.1",      "::",          "[::2]", "::ffff:127.0.0.1",
                                        "[]",      "[",          "127.0.0.1.a"};

    for (size_t i = 0; i < G_N_ELEMENTS(right); i++)
        assert_true(loopback_host(right[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_false(loopback_host(wrong[i]));
    assert_true(address_is_loopback(AF_INET, "127.3.2.1"));
    assert_false(address_is_loopback(AF_INET, "126.0.0.1"));
    assert_true(address_is_loopback(AF_INET6, "::1"));
    assert_false(address_is_loopback(AF_INET6, "::ffff:127.0.0.1"));
    assert_false(loopback_address(&(struct sockaddr){.sa_family = AF_UNIX}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loopback),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
