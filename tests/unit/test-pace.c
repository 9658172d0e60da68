/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each user may have in a time. */
#include "daemon/bus/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW (1000 * USEC_PER_SEC)

static void test_a_burst_and_then_slowly(void **state)
{
    struct pace *pace = pace_new(10, 2);

    assert_true(pace_take(pace, 1000, 10, NOW));
    assert_false(pace_take(pace, 1000, 1, NOW));
    assert_false(pace_take(pace, 1000, 3, NOW + USEC_PER_SEC));
    assert_true(pace_take(pace, 1000, 2, NOW + USEC_PER_SEC));
    assert_false(pace_take(pace, 1000, 1, NOW + USEC_PER_SEC));
    assert_true(pace_take(pace, 1000, 10, NOW + 100 * USEC_PER_SEC));
    assert_false(pace_take(pace, 1000, 1, NOW + 100 * USEC_PER_SEC));
    pace_free(pace);
}

static void test_nobody_takes_anothers(void **state)
{
    struct pace *pace = pace_new(3, 1);

    assert_true(pace_take(pace, 1000, 3, NOW));
    assert_false(pace_take(pace, 1000, 1, NOW));
    for (uid_t uid = 2000; uid < 3000; uid++)
        assert_true(pace_take(pace, uid, 3, NOW));
    assert_false(pace_take(pace, 1000, 1, NOW));
    assert_false(pace_take(pace, 2000, 1, NOW));
    pace_free(pace);
}

static void test_more_than_a_burst_costs_the_burst(void **state)
{
    struct pace *pace = pace_new(3, 1);

    assert_true(pace_take(pace, 1000, 500, NOW));
    assert_false(pace_take(pace, 1000, 500, NOW + 2 * USEC_PER_SEC));
    assert_true(pace_take(pace, 1000, 500, NOW + 3 * USEC_PER_SEC));
    pace_free(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_and_then_slowly),
        cmocka_unit_test(test_nobody_takes_anothers),
        cmocka_unit_test(test_more_than_a_burst_costs_the_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
