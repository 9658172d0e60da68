/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store of keys, and what the ledger keeps of one. */
#include "sandbox/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sandbox/text.h"
#include "sandbox/views.h"

static struct key *add(struct keys *keys, const char *name, enum key_type type, const char *secret)
{
    struct key *key = key_new();

    key->name = g_strdup(name);
    key->type = type;
    key->permissions = g_strsplit("contacts:read;admin:read", ";", -1);
    key->last4 = g_strdup(secret + strlen(secret) - 4);
    key->hash = text_hash(secret);
    key->origin = g_strdup("api");
    key->created_at = 1000 * USEC_PER_SEC;
    keys_add(keys, key);
    return key;
}

static void test_found_by_id_and_secret(void **state)
{
    struct keys *keys = keys_new();
    struct key *key = add(keys, "crm", KEY_TEST, "sk_test_abcd");

    add(keys, "other", KEY_TEST, "sk_test_efgh");
    assert_ptr_equal(keys_by_id(keys, key->id), key);
    assert_ptr_equal(keys_by_secret(keys, "sk_test_abcd"), key);
    assert_null(keys_by_secret(keys, "sk_test_abc"));
    assert_null(keys_by_id(keys, "key_0"));
    keys_free(keys);
}

static void test_living_are_newest_first(void **state)
{
    struct keys *keys = keys_new();
    struct key *old = add(keys, "old", KEY_LIVE, "sk_live_aaaa"),
               *gone = add(keys, "gone", KEY_LIVE, "sk_live_bbbb");
    struct key *new = add(keys, "new", KEY_LIVE, "sk_live_cccc");
    g_autoptr(GPtrArray) living = NULL;

    add(keys, "elsewhere", KEY_TEST, "sk_test_dddd");
    gone->deleted_at = 1;
    living = keys_living(keys, KEY_LIVE);
    assert_int_equal(living->len, 2);
    assert_ptr_equal(g_ptr_array_index(living, 0), new);
    assert_ptr_equal(g_ptr_array_index(living, 1), old);
    assert_int_equal(keys_all(keys)->len, 4);
    keys_free(keys);
}

static void test_works(void **state)
{
    struct key key = {.works_from = 10};

    assert_false(key_works(&key, 9));
    assert_true(key_works(&key, 10));
    key.deleted_at = 15;
    assert_false(key_works(&key, 15));
    key.works_until = 20;
    assert_true(key_works(&key, 19));
    assert_false(key_works(&key, 20));
}

static void test_may(void **state)
{
    char *permissions[] = {(char *)"contacts:read", NULL};
    struct key key = {.permissions = permissions};

    assert_true(key_may(&key, "contacts:read"));
    assert_false(key_may(&key, "contacts:write"));
    key.full = true;
    assert_true(key_may(&key, "contacts:write"));
}

static void test_record_and_back(void **state)
{
    struct keys *keys = keys_new();
    struct key *key = add(keys, "crm", KEY_LIVE, "sk_live_wxyz"), *read;
    g_autoptr(json_object) record = view_record(key), again = NULL;

    assert_null(strstr(json_object_to_json_string(record), "sk_live_"));
    read = view_read_record(record);
    assert_non_null(read);
    again = view_record(read);
    assert_true(json_object_equal(record, again));
    assert_string_equal(read->hash, key->hash);
    key_free(read);
    json_object_object_del(record, "sha256");
    assert_null(view_read_record(record));
    keys_free(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_id_and_secret),
        cmocka_unit_test(test_living_are_newest_first),
        cmocka_unit_test(test_works),
        cmocka_unit_test(test_may),
        cmocka_unit_test(test_record_and_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
