/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What headers and documents say about time. */
#include "daemon/helpers/huechat/hints.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <glib.h>

#include "daemon/helpers/huechat/times.h"

#define NOON (UINT64_C(1795428000) * USEC_PER_SEC) /* 2026-11-23T10:00:00Z */

static void test_iso_times(void **state)
{
    static const struct {
        const char *text;
        usec_t when;
    } right[] = {
        {"2026-11-23T10:00:00Z", NOON},
        {"2026-11-23T10:00:00.5Z", NOON + 500000},
        {"2026-11-23T10:00:00.123456789Z", NOON + 123456},
        {"1970-01-01T00:00:00Z", 0},
        {"2028-02-29T23:59:59Z", UINT64_C(1835481599) * USEC_PER_SEC},
    };
    static const char *const wrong[] = {
        "",
        "2026-11-23",
        "2026-11-23T10:00:00",
        "2026-11-23T10:00:00z",
        "2026-11-23T10:00:00.Z",
        "2026-11-23T10:00:00+00:00",
        "2026-11-23T10:00:00Z ",
        " 2026-11-23T10:00:00Z",
        "2026-13-23T10:00:00Z",
        "2026-02-29T10:00:00Z",
        "2026-11-00T10:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T10:60:00Z",
        "1969-12-31T23:59:59Z",
        "-026-11-23T10:00:00Z",
    };
    usec_t when = 7;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_int_equal(times_parse_iso(wrong[i], &when), -EINVAL);
    assert_int_equal(when, 7);
    for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
        assert_int_equal(times_parse_iso(right[i].text, &when), 0);
        assert_int_equal(when, right[i].when);
    }
}

static void test_http_times(void **state)
{
    static const char *const right[] = {"Mon, 23 Nov 2026 10:00:00 GMT", "Monday, 23-Nov-26 10:00:00 GMT",
                                        "Mon Nov 23 10:00:00 2026"};
    static const char *const wrong[] = {"",
                                        "10",
                                        "Mon, 23 Nov 2026 10:00:00 CET",
                                        "Mon, 23 Nov 2026 10:00:00 GMT x",
                                        "Mon, 31 Nov 2026 10:00:00 GMT",
                                        "Mon, 23 Nov 1926 10:00:00 GMT"};
    usec_t when;

    for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
        assert_int_equal(times_parse_http(right[i], &when), 0);
        assert_int_equal(when, NOON);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_int_equal(times_parse_http(wrong[i], &when), -EINVAL);
}

static void test_hints(void **state)
{
    struct http_reply reply = {.status = 429};
    struct hints hints = hints_read(&reply, 0);

    assert_int_equal(hints.retry_after, 0);
    assert_int_equal(hints.date, 0);
    assert_int_equal(hints.rate_limit, -1);
    reply.headers[HTTP_RATE_RESET] = (char *)"1795428060";
    reply.headers[HTTP_RETRY_AFTER] = (char *)"Mon, 23 Nov 2026 10:00:30 GMT";
    assert_int_equal(hints_read(&reply, 0).retry_after, 0);
    reply.headers[HTTP_DATE] = (char *)"Mon, 23 Nov 2026 10:00:00 GMT";
    assert_int_equal(hints_read(&reply, 0).retry_after, 60 * USEC_PER_SEC);
    assert_int_equal(hints_read(&reply, 90 * USEC_PER_SEC).retry_after, 90 * USEC_PER_SEC);
    assert_int_equal(hints_read(&reply, USEC_INFINITY).retry_after, USEC_PER_DAY);
    reply.status = 503;
    assert_int_equal(hints_read(&reply, 0).retry_after, 30 * USEC_PER_SEC);
    assert_int_equal(hints_read(&reply, 0).date, NOON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iso_times),
        cmocka_unit_test(test_http_times),
        cmocka_unit_test(test_hints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
