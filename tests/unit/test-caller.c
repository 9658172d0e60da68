/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit a caller is believed to be of. */
#include "daemon/bus/caller.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOT 0
#define ALICE 1000
#define NOT_TOLD ((uid_t)-1)

static void assert_believed(uid_t uid, enum unit_answer answer, uid_t unit_uid, bool system_mode,
                            const char *expected)
{
    const struct unit unit = {answer, answer == UNIT_FOUND ? "crm.service" : NULL, unit_uid};
    struct caller *caller = caller_new(uid, getpid(), &unit, system_mode);

    if (expected == NULL)
        assert_null(caller->subject.unit);
    else
        assert_string_equal(caller->subject.unit, expected);
    caller_free(caller);
}

static void test_a_unit_of_the_callers_own_user(void **state)
{
    assert_believed(ALICE, UNIT_FOUND, ALICE, true, "crm.service");
    assert_believed(ROOT, UNIT_FOUND, ROOT, true, "crm.service");
}

static void test_a_service_without_user_runs_as_root(void **state)
{
    assert_believed(ROOT, UNIT_FOUND, NOT_TOLD, true, "crm.service");
}

/* cron.service starts a program as alice: that is not cron.service. */
static void test_what_a_service_runs_as_somebody_else(void **state)
{
    assert_believed(ALICE, UNIT_FOUND, NOT_TOLD, true, NULL);
    assert_believed(ALICE, UNIT_FOUND, ROOT, true, NULL);
    assert_believed(ROOT, UNIT_FOUND, ALICE, true, NULL);
    assert_believed(NOT_TOLD, UNIT_FOUND, ALICE, true, NULL);
}

static void test_no_unit(void **state)
{
    assert_believed(ALICE, UNIT_NONE, NOT_TOLD, true, NULL);
}

static void test_a_users_own_word(void **state)
{
    assert_believed(ALICE, UNIT_FOUND, ALICE, false, "crm.service");
}

/* A service of another user must not count as a holder because somebody is in its control group. */
static void test_a_doubted_unit_holds_nothing(void **state)
{
    const struct unit unit = {UNIT_FOUND, "dbus.service", ROOT};
    struct caller *caller = caller_new(ALICE, getpid(), &unit, true);

    assert_string_equal(caller->subject.doubted_unit, "dbus.service");
    assert_string_equal(caller->holder.unit, "");
    assert_string_equal(caller->holder.invocation_id, "");
    assert_int_not_equal(caller->holder.start_time, 0);
    caller_free(caller);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_unit_of_the_callers_own_user),
        cmocka_unit_test(test_a_service_without_user_runs_as_root),
        cmocka_unit_test(test_what_a_service_runs_as_somebody_else),
        cmocka_unit_test(test_no_unit),
        cmocka_unit_test(test_a_users_own_word),
        cmocka_unit_test(test_a_doubted_unit_holds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
