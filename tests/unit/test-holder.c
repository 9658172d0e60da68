/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is the same holder, and what people read. */
#include "daemon/core/holder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glib.h>

static struct holder service(void)
{
    return (struct holder){.boot_id = (char *)"b1",
                           .unit = (char *)"crm.service",
                           .invocation_id = (char *)"i1",
                           .pid = 4711,
                           .command = (char *)"python3"};
}

static struct holder process(void)
{
    return (struct holder){.boot_id = (char *)"b1",
                           .unit = (char *)"",
                           .invocation_id = (char *)"",
                           .pid = 4711,
                           .start_time = 99,
                           .command = (char *)"python3"};
}

static void test_service(void **state)
{
    struct holder a = service(), b = service();

    b.pid = 1;
    b.generation = 7;
    assert_true(holder_is_same(&a, &b));
    b.invocation_id = (char *)"i2";
    assert_false(holder_is_same(&a, &b));
    b = service();
    b.unit = (char *)"erp.service";
    assert_false(holder_is_same(&a, &b));
    b = service();
    b.boot_id = (char *)"b2";
    assert_false(holder_is_same(&a, &b));
}

static void test_process(void **state)
{
    struct holder a = process(), b = process(), of_unit = service();

    b.command = (char *)"renamed";
    assert_true(holder_is_same(&a, &b));
    b.pid++;
    assert_false(holder_is_same(&a, &b));
    b = process();
    b.start_time++;
    assert_false(holder_is_same(&a, &b));
    b = process();
    b.boot_id = (char *)"b2";
    assert_false(holder_is_same(&a, &b));
    assert_false(holder_is_same(&a, &of_unit));
    assert_false(holder_is_same(&of_unit, &a));
}

static void assert_described(const struct holder *holder, const char *expected)
{
    g_autofree char *text = holder_describe(holder);

    assert_string_equal(text, expected);
}

static void test_describe(void **state)
{
    struct holder holder = service();

    assert_described(&holder, "crm.service (pid 4711)");
    holder.pid = 0;
    assert_described(&holder, "crm.service");
    holder = process();
    assert_described(&holder, "python3 (pid 4711)");
    holder.command = (char *)"";
    assert_described(&holder, "pid 4711");
}

static void test_copy(void **state)
{
    struct holder holder = service();
    struct holder *copy = holder_copy(&holder);

    assert_true(holder_is_same(&holder, copy));
    assert_ptr_not_equal(copy->unit, holder.unit);
    assert_string_equal(copy->command, "python3");
    assert_null(holder_free(copy));
    assert_null(holder_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
