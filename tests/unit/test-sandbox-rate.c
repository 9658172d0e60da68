/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The budget of requests a minute. */
#include "sandbox/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MINUTE (29000000 * USEC_PER_MINUTE)

static void test_counts_down_to_nothing(void **state)
{
    struct rate rate = {.limit = 2};
    struct rate_state seen;

    assert_true(rate_take(&rate, BUDGET_LIVE, MINUTE + 1, &seen));
    assert_int_equal(seen.limit, 2);
    assert_int_equal(seen.remaining, 1);
    assert_int_equal(seen.reset, MINUTE + USEC_PER_MINUTE);
    assert_true(rate_take(&rate, BUDGET_LIVE, MINUTE + 2, &seen));
    assert_int_equal(seen.remaining, 0);
    assert_false(rate_take(&rate, BUDGET_LIVE, MINUTE + 59 * USEC_PER_SEC, &seen));
    assert_int_equal(seen.remaining, 0);
}

static void test_is_whole_again_with_the_minute(void **state)
{
    struct rate rate = {.limit = 1};
    struct rate_state seen;

    assert_true(rate_take(&rate, BUDGET_TEST, MINUTE, &seen));
    assert_false(rate_take(&rate, BUDGET_TEST, seen.reset - 1, &seen));
    assert_true(rate_take(&rate, BUDGET_TEST, seen.reset, &seen));
}

static void test_a_shorter_window(void **state)
{
    struct rate rate = {.limit = 1, .window = 2 * USEC_PER_SEC};
    struct rate_state seen;

    assert_true(rate_take(&rate, BUDGET_TEST, MINUTE + 1, &seen));
    assert_int_equal(seen.reset, MINUTE + 2 * USEC_PER_SEC);
    assert_false(rate_take(&rate, BUDGET_TEST, seen.reset - 1, &seen));
    assert_true(rate_take(&rate, BUDGET_TEST, seen.reset, &seen));
}

static void test_a_clock_that_is_set_back(void **state)
{
    struct rate rate = {.limit = 1};
    struct rate_state seen;

    assert_true(rate_take(&rate, BUDGET_TEST, MINUTE, &seen));
    assert_true(rate_take(&rate, BUDGET_TEST, MINUTE - USEC_PER_DAY, &seen));
    assert_int_equal(seen.reset, MINUTE - USEC_PER_DAY + USEC_PER_MINUTE);
}

static void test_budgets_are_apart(void **state)
{
    struct rate rate = {.limit = 1};
    struct rate_state seen;

    assert_true(rate_take(&rate, BUDGET_LIVE, MINUTE, &seen));
    assert_true(rate_take(&rate, BUDGET_TEST, MINUTE, &seen));
    assert_true(rate_take(&rate, BUDGET_UNKNOWN, MINUTE, &seen));
    assert_false(rate_take(&rate, BUDGET_UNKNOWN, MINUTE, &seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_down_to_nothing), cmocka_unit_test(test_is_whole_again_with_the_minute),
        cmocka_unit_test(test_a_shorter_window),       cmocka_unit_test(test_a_clock_that_is_set_back),
        cmocka_unit_test(test_budgets_are_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
