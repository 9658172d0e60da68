/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Methods and paths. */
#include "sandbox/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_keys(void **state)
{
    struct route list = route_read("GET", "/v2/api-keys"), create = route_read("POST", "/v2/api-keys");
    struct route get = route_read("GET", "/v2/api-keys/key_1"),
                 delete = route_read("DELETE", "/v2/api-keys/key_1");

    assert_true(list.known && create.known && get.known && delete.known);
    assert_int_equal(list.verb, VERB_LIST);
    assert_int_equal(create.verb, VERB_CREATE);
    assert_int_equal(get.verb, VERB_GET);
    assert_int_equal(delete.verb, VERB_DELETE);
    assert_string_equal(get.id, "key_1");
    assert_string_equal(route_scope(&list), "admin:write");
}

static void test_scopes(void **state)
{
    struct route read = route_read("GET", "/v2/contacts/con_1"),
                 write = route_read("DELETE", "/v2/contacts/con_1");
    struct route hooks = route_read("GET", "/v2/webhooks"), users = route_read("GET", "/v2/users");

    assert_string_equal(route_scope(&read), "contacts:read");
    assert_string_equal(route_scope(&write), "contacts:write");
    assert_string_equal(route_scope(&hooks), "webhooks:manage");
    assert_string_equal(route_scope(&users), "admin:read");
}

static void test_bases(void **state)
{
    struct route both = route_read("GET", "/v2/contacts"), test = route_read("GET", "/test/v2/contacts");

    assert_true(both.known && !both.typed);
    assert_true(test.known && test.typed);
    assert_int_equal(test.type, KEY_TEST);
}

static void test_what_is_not_there(void **state)
{
    static const char *const strange[][2] = {
        {"PUT", "/v2/contacts"},
        {"POST", "/v2/contacts/con_1"},
        {"DELETE", "/v2/contacts"},
        {"GET", "/v2/contacts/"},
        {"GET", "/v2/contacts/a/b"},
        {"GET", "/v2/contactss"},
        {"GET", "/v2/"},
        {"GET", "/v2"},
        {"get", "/v2/contacts"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(strange); i++) {
        struct route route = route_read(strange[i][0], strange[i][1]);

        assert_true(route.in_api);
        assert_false(route.known);
    }
    assert_false(route_read("GET", "/v22/contacts").in_api);
    assert_false(route_read("GET", "/").in_api);
    assert_false(route_read("GET", "").in_api);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_bases),
        cmocka_unit_test(test_what_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
