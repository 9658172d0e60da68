/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times and spans as people write and read them, in a zone that is not UTC. */
#include "client/when.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECOND ((guint64)G_USEC_PER_SEC)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define NOON (1795521600 * SECOND) /* 2026-11-24T12:00:00Z, 13:00 in Vienna */

static void assert_text(char *text, const char *expected)
{
    assert_string_equal(text, expected);
    g_free(text);
}

static void test_format(void **state)
{
    assert_text(when_iso(NOON), "2026-11-24T12:00:00Z");
    assert_null(when_iso(0));
    assert_text(when_day(NOON), "2026-11-24");
    assert_text(when_second(NOON), "2026-11-24 13:00:00");
    assert_text(when_long(NOON), "Tue 2026-11-24 13:00:00 CET");
    assert_text(when_day(0), "-");
}

static void test_relative(void **state)
{
    assert_text(when_relative(0, NOON), "never");
    assert_text(when_relative(NOON, NOON), "now");
    assert_text(when_relative(NOON - 59 * SECOND, NOON), "59 s ago");
    assert_text(when_relative(NOON - 3 * HOUR, NOON), "3 h ago");
    assert_text(when_relative(NOON + 66 * DAY, NOON), "in 66 days");
}

static void test_span(void **state)
{
    assert_text(when_span(90 * DAY), "90 days");
    assert_text(when_span(DAY), "24 h");
    assert_text(when_span(5 * 60 * SECOND), "5 min");
    assert_text(when_span(G_MAXUINT64), "infinity");
}

static void assert_time(const char *text, guint64 expected)
{
    guint64 time = 0;

    assert_int_equal(when_parse(text, &time), 0);
    assert_true(time == expected);
}

static void test_parse(void **state)
{
    static const char *const wrong[] = {"",           "yesterday", "2026-13-01", "2026-11-24 25:00",
                                        "24.11.2026", "1795521600"};
    guint64 time = 7;

    assert_time("2026-11-24", NOON - 13 * HOUR);
    assert_time("2026-11-24 13:00", NOON);
    assert_time("2026-11-24 13:00:01", NOON + SECOND);
    assert_time("2026-11-24T12:00:00Z", NOON);
    assert_time("2026-11-24T14:00:00+02:00", NOON);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        assert_int_equal(when_parse(wrong[i], &time), -EINVAL);
        assert_true(time == 7);
    }
}

static void assert_span(const char *text, guint64 expected)
{
    guint64 span = 7;

    assert_int_equal(when_parse_span(text, &span), 0);
    assert_true(span == expected);
}

static void test_parse_span(void **state)
{
    static const char *const wrong[] = {"",
                                        " ",
                                        "d",
                                        "-1d",
                                        "1.5h",
                                        "3 fortnights",
                                        "14D",
                                        "99999999999999999999",
                                        "9999999999999w",
                                        "1d infinity"};
    guint64 span = 7;

    assert_span("14d", 14 * DAY);
    assert_span("90", 90 * SECOND);
    assert_span("1h 30min", HOUR + HOUR / 2);
    assert_span("1h30min", HOUR + HOUR / 2);
    assert_span("2 weeks", 14 * DAY);
    assert_span("0", 0);
    assert_span("infinity", G_MAXUINT64);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        assert_int_equal(when_parse_span(wrong[i], &span), -EINVAL);
        assert_true(span == 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format), cmocka_unit_test(test_relative),   cmocka_unit_test(test_span),
        cmocka_unit_test(test_parse),  cmocka_unit_test(test_parse_span),
    };

    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
