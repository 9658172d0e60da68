/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which fault is due when. */
#include "sandbox/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static GArray *faults(const char *text)
{
    g_autoptr(json_object) list = json_parse(text, strlen(text));
    g_autofree char *error = NULL;
    GArray *read = faults_read(list, &error);

    assert_null(error);
    assert_non_null(read);
    return read;
}

static const char *take(GArray *list, enum call call)
{
    struct fault fault;

    return faults_take(list, call, &fault) ? fault_name(fault.kind) : "none";
}

static void test_befalls_one_call_once(void **state)
{
    g_autoptr(GArray) list = faults("[{\"call\":\"create\",\"fault\":\"lose-reply\"}]");

    assert_string_equal(take(list, CALL_LIST), "none");
    assert_string_equal(take(list, CALL_CREATE), "lose-reply");
    assert_string_equal(take(list, CALL_CREATE), "none");
}

static void test_first_that_is_due(void **state)
{
    g_autoptr(GArray) list = faults("[{\"call\":\"list\",\"fault\":\"error-500\",\"skip\":1,\"count\":2},"
                                    "{\"fault\":\"slow\",\"count\":0}]");

    assert_string_equal(take(list, CALL_LIST), "slow");
    assert_string_equal(take(list, CALL_LIST), "error-500");
    assert_string_equal(take(list, CALL_GET), "slow");
    assert_string_equal(take(list, CALL_LIST), "error-500");
    for (int i = 0; i < 100; i++)
        assert_string_equal(take(list, CALL_LIST), "slow");
}

static void test_any_is_what_can_be_befallen(void **state)
{
    g_autoptr(GArray) list = faults("[{\"call\":\"any\",\"fault\":\"still-valid\"}]");

    assert_string_equal(take(list, CALL_CREATE), "none");
    assert_string_equal(take(list, CALL_OTHER), "none");
    assert_string_equal(take(list, CALL_DELETE), "still-valid");
}

static void test_defaults_and_what_is_shown(void **state)
{
    g_autoptr(GArray) list = faults("[{\"fault\":\"reset\"},{\"fault\":\"lose-reply\",\"seconds\":3}]");
    g_autoptr(json_object) shown = NULL;

    assert_string_equal(take(list, CALL_GET), "reset");
    shown = faults_show(list);
    assert_string_equal(json_object_to_json_string_ext(shown, JSON_C_TO_STRING_PLAIN),
                        "[{\"call\":\"any\",\"fault\":\"lose-reply\",\"count\":1,\"skip\":0,\"seconds\":3,"
                        "\"commit\":true,\"applied\":0}]");
}

static void test_what_makes_no_sense(void **state)
{
    static const char *const strange[] = {
        "{}",
        "[1]",
        "[{}]",
        "[{\"fault\":\"x\"}]",
        "[{\"fault\":\"slow\",\"call\":\"other\"}]",
        "[{\"fault\":\"same-id\",\"call\":\"list\"}]",
        "[{\"fault\":\"slow\",\"skip\":-1}]",
        "[{\"fault\":\"slow\",\"count\":4294967296}]",
        "[{\"fault\":\"slow\",\"count\":\"1\"}]",
        "[{\"fault\":\"slow\",\"cuont\":1}]",
        "[{\"fault\":\"slow\",\"commit\":true}]",
        "[{\"fault\":\"reset\",\"commit\":1}]",
        "[{\"fault\":\"reset\"},{\"fault\":\"rest\"}]",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(strange); i++) {
        g_autoptr(json_object) list = json_parse(strange[i], strlen(strange[i]));
        g_autofree char *error = NULL;

        assert_non_null(list);
        assert_null(faults_read(list, &error));
        assert_non_null(error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_befalls_one_call_once),       cmocka_unit_test(test_first_that_is_due),
        cmocka_unit_test(test_any_is_what_can_be_befallen), cmocka_unit_test(test_defaults_and_what_is_shown),
        cmocka_unit_test(test_what_makes_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
