/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shares of users. */
#include "daemon/bus/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_each_has_its_share(void **state)
{
    struct quota *quota = quota_new(2, 10);

    assert_true(quota_take(quota, 1000));
    assert_true(quota_take(quota, 1000));
    assert_false(quota_take(quota, 1000));
    assert_true(quota_take(quota, 1001));
    assert_true(quota_take(quota, 0));
    quota_give_back(quota, 1000);
    assert_true(quota_take(quota, 1000));
    assert_false(quota_take(quota, 1000));
    quota_free(quota);
}

static void test_all_together_have_no_more(void **state)
{
    struct quota *quota = quota_new(2, 3);

    assert_true(quota_take(quota, 1));
    assert_true(quota_take(quota, 1));
    assert_true(quota_take(quota, 2));
    assert_false(quota_take(quota, 3));
    quota_give_back(quota, 1);
    assert_true(quota_take(quota, 3));
    assert_false(quota_take(quota, 1));
    quota_free(quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_has_its_share),
        cmocka_unit_test(test_all_together_have_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
