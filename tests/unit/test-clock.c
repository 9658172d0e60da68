/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spans there and back, dates, and arithmetic at the ends of the range. */
#include "daemon/util/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <glib.h>

static void test_arithmetic(void **state)
{
    assert_true(usec_add(1, 2) == 3);
    assert_true(usec_add(USEC_INFINITY, 0) == USEC_INFINITY);
    assert_true(usec_add(USEC_INFINITY, 1) == USEC_INFINITY);
    assert_true(usec_add(1, USEC_INFINITY) == USEC_INFINITY);
    assert_true(usec_add(USEC_INFINITY - 1, 2) == USEC_INFINITY);
    assert_true(usec_sub(3, 2) == 1);
    assert_true(usec_sub(2, 3) == 0);
    assert_true(usec_sub(0, USEC_INFINITY) == 0);
}

static void test_spans(void **state)
{
    static const struct {
        const char *text;
        usec_t span;
    } cases[] = {
        {"5s", 5 * USEC_PER_SEC},
        {"10min", 10 * USEC_PER_MINUTE},
        {"24h", USEC_PER_DAY},
        {"90d", 90 * USEC_PER_DAY},
        {"2w", 14 * USEC_PER_DAY},
        {"infinity", USEC_INFINITY},
        {" infinity\t", USEC_INFINITY},
        {"0", 0},
        {"30", 30 * USEC_PER_SEC},
        {"1h 30min", 90 * USEC_PER_MINUTE},
        {"1h30m", 90 * USEC_PER_MINUTE},
        {" 1 day  2 hours ", 26 * USEC_PER_HOUR},
        {"1m", USEC_PER_MINUTE},
        {"1M", UINT64_C(2629800) * USEC_PER_SEC},
        {"3months", UINT64_C(3 * 2629800) * USEC_PER_SEC},
        {"1y", UINT64_C(31557600) * USEC_PER_SEC},
        {"250ms 1us", 250 * USEC_PER_MSEC + 1},
        {"1h 5", USEC_PER_HOUR + 5 * USEC_PER_SEC},
        {"18446744073709551614us", USEC_INFINITY - 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        usec_t span = 77;
        if (span_parse(cases[i].text, &span) < 0 || span != cases[i].span)
            fail_msg("\"%s\" is read as %" G_GUINT64_FORMAT, cases[i].text, span);
    }
}

static void test_no_spans(void **state)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "\t",
                                        "s",
                                        "-1s",
                                        "+1s",
                                        "1.5h",
                                        "1,5h",
                                        "1x",
                                        "1 x",
                                        "1S",
                                        "1D",
                                        "1h-1m",
                                        "0x10",
                                        "1e3",
                                        "1h,",
                                        "infin",
                                        "infinitys",
                                        "infinity 1s",
                                        "1s infinity",
                                        "soon",
                                        "1s # x",
                                        "1\n",
                                        "18446744073709551615us",
                                        "18446744073709551616",
                                        "99999999999999999999999",
                                        "213503982334602d",
                                        "18446744073709551614us 1us",
                                        "18446744073709s 18446744073709s"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        usec_t span = 77;
        if (span_parse(texts[i], &span) != -EINVAL)
            fail_msg("\"%s\" is read as %" G_GUINT64_FORMAT, texts[i], span);
        assert_true(span == 77);
    }
}

static void test_format(void **state)
{
    static const struct {
        usec_t span;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1us"},
        {USEC_INFINITY, "infinity"},
        {90 * USEC_PER_DAY, "90d"},
        {36 * USEC_PER_HOUR, "1d 12h"},
        {USEC_PER_HOUR + USEC_PER_MSEC, "1h 1ms"},
        {61 * USEC_PER_SEC, "1min 1s"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = span_format(cases[i].span);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_round_trip(void **state)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(20261124);

    for (int i = 0; i < 20000; i++) {
        usec_t span = (usec_t)g_rand_int(random) << 32 | g_rand_int(random), again = 0;
        g_autofree char *text = NULL;

        span >>= g_rand_int_range(random, 0, 64);
        text = span_format(span);
        assert_int_equal(span_parse(text, &again), 0);
        assert_true(again == span);
    }
}

static void test_dates(void **state)
{
    static const struct {
        usec_t when;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1795514400 * USEC_PER_SEC, "2026-11-24T10:00:00Z"},
        {1795514401 * USEC_PER_SEC - 1, "2026-11-24T10:00:00Z"},
        {1709164800 * USEC_PER_SEC, "2024-02-29T00:00:00Z"},
    };
    g_autofree char *last = clock_format(USEC_INFINITY);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = clock_format(cases[i].when);
        assert_string_equal(text, cases[i].text);
    }
    assert_true(*last != '\0');
}

static void test_now(void **state)
{
    usec_t before = (usec_t)time(NULL) * USEC_PER_SEC, now = clock_now();

    assert_true(now >= before && now < before + USEC_PER_MINUTE);
    assert_true(clock_now() >= now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arithmetic), cmocka_unit_test(test_spans),      cmocka_unit_test(test_no_spans),
        cmocka_unit_test(test_format),     cmocka_unit_test(test_round_trip), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_now),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
