/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The budget never lets out what HueChat would refuse, and never waits for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "daemon/core/budget.h"

#define NOW (1000 * USEC_PER_DAY)
#define DATE (20000 * USEC_PER_DAY) /* HueChat's clock is elsewhere */
#define DATE_SECONDS ((int64_t)(DATE / USEC_PER_SEC))

static struct answer answer(unsigned status)
{
    return (struct answer){.status = status,
                           .sent = true,
                           .complete = true,
                           .date = DATE,
                           .rate_limit = -1,
                           .rate_remaining = -1,
                           .rate_reset = -1};
}

static struct answer limited(int64_t limit, int64_t remaining, int64_t reset_in)
{
    struct answer a = answer(200);

    a.rate_limit = limit;
    a.rate_remaining = remaining;
    a.rate_reset = DATE_SECONDS + reset_in;
    return a;
}

static void assert_next(const struct budget *budget, bool background, usec_t now, usec_t wait)
{
    assert_int_equal(budget_next(budget, background, now) - now, wait);
}

static void an_untold_budget_lets_all_out(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = answer(200);

    assert_next(&budget, true, NOW, 0);
    budget_note(&budget, &a, NOW, 0);
    for (unsigned i = 0; i < 1000; i++)
        budget_spend(&budget, NOW);
    assert_next(&budget, true, NOW, 0);
}

static void counts_down_until_the_window_ends(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = limited(100, 12, 30);

    budget_note(&budget, &a, NOW, 0);
    budget_spend(&budget, NOW);
    assert_next(&budget, true, NOW, 0);
    budget_spend(&budget, NOW);
    assert_next(&budget, true, NOW, 30 * USEC_PER_SEC);
    for (unsigned i = 0; i < 10; i++) {
        assert_next(&budget, false, NOW, 0);
        budget_spend(&budget, NOW);
    }
    assert_next(&budget, false, NOW + 10 * USEC_PER_SEC, 20 * USEC_PER_SEC);
    assert_next(&budget, true, NOW + 30 * USEC_PER_SEC, 0);
    budget_spend(&budget, NOW + 30 * USEC_PER_SEC);
    assert_int_equal(budget.remaining, -1);
}

static void a_small_limit_leaves_one_to_people(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = limited(5, 1, 30);

    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, true, NOW, 30 * USEC_PER_SEC);
    assert_next(&budget, false, NOW, 0);
}

static void nonsense_is_a_minute(void **state)
{
    static const int64_t resets[] = {-1, 0, INT64_MAX};

    for (unsigned i = 0; i < 3; i++) {
        struct budget budget = BUDGET_NEW;
        struct answer a = limited(100, 0, 0);

        a.rate_reset = resets[i];
        budget_note(&budget, &a, NOW, 0);
        assert_next(&budget, false, NOW, USEC_PER_MINUTE);
    }
}

static void windows_have_bounds(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = limited(100, 0, 36000);

    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, false, NOW, USEC_PER_HOUR);
    a = limited(100, 0, -5);
    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, false, NOW, 0);
    a = limited(100, 0, 30);
    a.date = 0;
    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, false, NOW, USEC_PER_MINUTE);
}

static void a_429_waits_for_the_longest_hint(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = answer(429);

    budget_note(&budget, &a, NOW, 250);
    assert_next(&budget, false, NOW, USEC_PER_MINUTE + 250 * USEC_PER_MSEC);
    a.retry_after = 3 * USEC_PER_SEC;
    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, false, NOW, 3 * USEC_PER_SEC);
    a.rate_reset = DATE_SECONDS + 40;
    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, true, NOW, 40 * USEC_PER_SEC);
    a.retry_after = 20 * USEC_PER_HOUR;
    budget_note(&budget, &a, NOW, 1000);
    assert_next(&budget, false, NOW, 20 * USEC_PER_HOUR + USEC_PER_SEC);
    a.retry_after = USEC_INFINITY;
    budget_note(&budget, &a, NOW, 1000);
    assert_next(&budget, false, NOW, 25 * USEC_PER_HOUR + USEC_PER_SEC);
}

static void a_later_success_does_not_lift_a_block(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = answer(429);

    a.retry_after = 50 * USEC_PER_SEC;
    budget_note(&budget, &a, NOW, 0);
    a = limited(100, 90, 30);
    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, false, NOW, 50 * USEC_PER_SEC);
    a = answer(0);
    budget_note(&budget, &a, NOW, 0);
    assert_int_equal(budget.remaining, 90);
}

static void a_clock_set_back_blocks_nothing(void **state)
{
    struct budget budget = BUDGET_NEW;
    struct answer a = limited(100, 0, 30);

    a.status = 429;
    budget_note(&budget, &a, NOW, 0);
    assert_next(&budget, false, NOW - 30 * USEC_PER_DAY, 0);
    budget_spend(&budget, NOW - 30 * USEC_PER_DAY);
    assert_int_equal(budget.remaining, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_untold_budget_lets_all_out),
        cmocka_unit_test(counts_down_until_the_window_ends),
        cmocka_unit_test(a_small_limit_leaves_one_to_people),
        cmocka_unit_test(nonsense_is_a_minute),
        cmocka_unit_test(windows_have_bounds),
        cmocka_unit_test(a_429_waits_for_the_longest_hint),
        cmocka_unit_test(a_later_success_does_not_lift_a_block),
        cmocka_unit_test(a_clock_set_back_blocks_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
