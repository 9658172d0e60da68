/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat's documents, right and wrong. */
#include "daemon/helpers/huechat/contract.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NOON (UINT64_C(1795428000) * USEC_PER_SEC) /* 2026-11-23T10:00:00Z */

#define KEY_FIELDS                                                                                           \
    "\"id\":\"key_1\",\"name\":\"crm\",\"type\":\"test\",\"access\":\"custom\","                             \
    "\"permissions\":[\"contacts:read\",\"contacts:write\"],\"last4\":\"9xyz\","                             \
    "\"created_at\":\"2026-11-23T10:00:00Z\""

/* A document with one part replaced, or NULL if it has no such part. */
static char *with(const char *document, const char *part, const char *other)
{
    g_auto(GStrv) pieces = g_strsplit(document, part, 2);

    assert_int_equal(g_strv_length(pieces), 2);
    return g_strconcat(pieces[0], other, pieces[1], NULL);
}

static int read_key(const char *text, struct key *ret, const char **ret_why)
{
    return contract_read_key(text, strlen(text), ret, ret_why);
}

static void test_key(void **state)
{
    struct key key;
    const char *why;

    assert_int_equal(read_key("{" KEY_FIELDS ",\"last_used_at\":null,\"new\":{\"a\":[1]}}", &key, &why), 0);
    assert_string_equal(key.id, "key_1");
    assert_string_equal(key.name, "crm");
    assert_string_equal(key.type, "test");
    assert_string_equal(key.access, "custom");
    assert_string_equal(key.permissions[0], "contacts:read");
    assert_string_equal(key.permissions[1], "contacts:write");
    assert_null(key.permissions[2]);
    assert_string_equal(key.last4, "9xyz");
    assert_int_equal(key.created_at, NOON);
    assert_int_equal(key.last_used_at, 0);
    key_clear(&key);
}

static void test_key_refused(void **state)
{
    static const struct {
        const char *part, *other, *why;
    } wrong[] = {
        {"\"key_1\"", "1", "id"},
        {"\"key_1\"", "NaN", "id"},
        {"\"key_1\"", "\"\"", "id"},
        {"\"key_1\"", "\"..\"", "id"},
        {"\"key_1\"", "\"a b\"", "id"},
        {"\"key_1\"", "\"a\\u0000b\"", "id"},
        {"\"key_1\"", "\"\\u00fc\"", "id"},
        {"\"id\"", "\"ID\"", "id"},
        {"\"crm\"", "null", "name"},
        {"\"crm\"", "\"a\\u0000b\"", "name"},
        {"\"test\"", "\"prod\"", "type"},
        {"\"test\"", "true", "type"},
        {"\"custom\"", "\"Full\"", "access"},
        {"[\"contacts:read\",", "[1,", "permissions"},
        {"[\"contacts:read\",", "[null,", "permissions"},
        {"[\"contacts:read\",", "[\"\",", "permissions"},
        {"\"permissions\"", "\"scopes\"", "permissions"},
        {"\"9xyz\"", "\"xyz\"", "last4"},
        {"\"9xyz\"", "\"89xyz\"", "last4"},
        {"\"2026-11-23T10:00:00Z\"", "1795428000", "created_at"},
        {"\"2026-11-23T10:00:00Z\"", "\"2026-11-23\"", "created_at"},
        {"\"2026-11-23T10:00:00Z\"", "\"2026-11-23T10:00:00+00:00\"", "created_at"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text = with("{" KEY_FIELDS "}", wrong[i].part, wrong[i].other);
        struct key key = {.id = (char *)"untouched"};
        const char *why = NULL;

        assert_int_equal(read_key(text, &key, &why), -EBADMSG);
        assert_non_null(why);
        assert_string_equal(why, wrong[i].why);
        assert_string_equal(key.id, "untouched");
    }
}

static void test_no_object(void **state)
{
    static const char *const texts[] = {"",
                                        "null",
                                        "[]",
                                        "\"a\"",
                                        "<html></html>",
                                        "{" KEY_FIELDS,
                                        "{" KEY_FIELDS "}}",
                                        "{" KEY_FIELDS "} x",

                                        "{\"id\":\"\xff\"}",

                                        "{" KEY_FIELDS ",}",
                                        "\xef\xbb\xbf{}"};
    struct key key;

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *why = "unset";

        assert_int_equal(read_key(texts[i], &key, &why), -EBADMSG);
        assert_null(why);
    }
}

static void test_depth(void **state)
{
    const char *why = NULL;

    assert_int_equal(contract_read_object("{\"a\":[[[[[[]]]]]]}", 18, &why), 0);
    assert_int_equal(contract_read_object("{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}", 42, &why),
                     -EBADMSG);
    assert_int_equal(contract_read_object("{}\0", 3, &why), -EBADMSG);
}

static void test_odd_name(void **state)
{
    g_autofree char *text = with("{" KEY_FIELDS "}", "\"crm\"", "\"a\\nb\\u202e\\ufffe\\ud800c\\u00fc\"");
    struct key key;
    const char *why;

    assert_int_equal(read_key(text, &key, &why), 0);
    assert_string_equal(key.name, "a\\x0ab\\xe2\\x80\\xae\\xef\\xbf\\xbe\xef\xbf\xbd"
                                  "c\xc3\xbc");
    key_clear(&key);
}

static void test_created(void **state)
{
    static const char *const wrong[] = {"",
                                        ",\"key\":null",
                                        ",\"key\":\"\"",
                                        ",\"key\":\"a b\"",
                                        ",\"key\":[]",
                                        ",\"key\":\"a\\nb\"",
                                        ",\"secret\":\"sk_test_a\""};
    static const char good[] = "{" KEY_FIELDS ",\"key\":\"sk_test_a9xyz\"}";
    char *secret = NULL;
    struct key key = {};
    const char *why;

    assert_int_equal(contract_read_created(good, strlen(good), &key, &secret, &why), 0);
    assert_string_equal(secret, "sk_test_a9xyz");
    key_clear(&key);
    g_clear_pointer(&secret, g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text = g_strconcat("{" KEY_FIELDS, wrong[i], "}", NULL);

        assert_int_equal(contract_read_created(text, strlen(text), &key, &secret, &why), -EBADMSG);
        assert_string_equal(why, "key");
        assert_null(secret);
        assert_null(key.id);
    }
}

#define PAGE(keys, pagination) "{\"data\":[" keys "],\"pagination\":{" pagination "}}"
#define PAGINATION "\"limit\":100,\"offset\":20,\"total\":22,\"has_more\":true"

static void test_listing(void **state)
{
    static const char text[] = PAGE("{" KEY_FIELDS "},{" KEY_FIELDS "}", PAGINATION);
    struct listing listing;
    const char *why;

    assert_int_equal(contract_read_listing(text, strlen(text), 2, 20, &listing, &why), 0);
    assert_int_equal(listing.keys->len, 2);
    assert_int_equal(listing.total, 22);
    assert_true(listing.has_more);
    listing_clear(&listing);
    assert_int_equal(contract_read_listing(text, strlen(text), 2, 0, &listing, &why), -EBADMSG);
    assert_string_equal(why, "offset");
    assert_int_equal(contract_read_listing(text, strlen(text), 1, 20, &listing, &why), -EBADMSG);
    assert_string_equal(why, "data");
}

static void test_foreign_key_of_a_new_kind(void **state)
{
    static const char text[] =
        PAGE("{" KEY_FIELDS "},{\"id\":\"key_2\",\"name\":null,\"type\":\"robot\",\"last4\":7}", PAGINATION);
    const struct key *foreign;
    struct listing listing;
    const char *why;

    assert_int_equal(contract_read_listing(text, strlen(text), 2, 20, &listing, &why), 0);
    assert_int_equal(listing.keys->len, 2);
    foreign = listing.keys->pdata[1];
    assert_string_equal(foreign->id, "key_2");
    assert_string_equal(foreign->type, "");
    assert_string_equal(foreign->last4, "");
    listing_clear(&listing);
}

static void test_listing_refused(void **state)
{
    static const struct {
        const char *text, *why;
    } wrong[] = {
        {"{\"data\":{},\"pagination\":{" PAGINATION "}}", "data"},
        {"{\"data\":[]}", "pagination"},
        {"{\"data\":[],\"pagination\":[]}", "pagination"},
        {PAGE("1", PAGINATION), "data"},
        {PAGE("null", PAGINATION), "data"},
        {PAGE("{" KEY_FIELDS "},{}", PAGINATION), "id"},
        {PAGE("{\"id\":\"sk_live_0123456789abcdef\"}", PAGINATION), "id"},
        {PAGE("{\"id\":\"key_2\",\"name\":\"crm [kt 7f3a9c21.1]\",\"type\":\"new\"}", PAGINATION), "type"},
        {PAGE("", "\"offset\":20,\"total\":22,\"has_more\":true"), "limit"},
        {PAGE("", "\"limit\":1,\"offset\":20,\"total\":-1,\"has_more\":true"), "total"},
        {PAGE("", "\"limit\":1,\"offset\":20,\"total\":1.5,\"has_more\":true"), "total"},
        {PAGE("", "\"limit\":1,\"offset\":20,\"total\":22,\"has_more\":1"), "has_more"},
    };
    struct listing listing;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        const char *why = NULL;

        assert_int_equal(contract_read_listing(wrong[i].text, strlen(wrong[i].text), 2, 20, &listing, &why),
                         -EBADMSG);
        assert_non_null(why);
        assert_string_equal(why, wrong[i].why);
    }
}

static int read_fault(const char *text, unsigned status, struct fault *ret)
{
    const char *why;

    return contract_read_fault(text, strlen(text), status, ret, &why);
}

static void test_fault(void **state)
{
    struct fault fault;

    assert_int_equal(
        read_fault("{\"error\":\"rate_limited\",\"message\":\"Slow\",\"code\":429,\"details\":{},"
                   "\"request_id\":\"req_1\",\"timestamp\":\"2026-11-23T10:00:00Z\",\"retry_after\":30}",
                   429, &fault),
        0);
    assert_string_equal(fault.error, "rate_limited");
    assert_string_equal(fault.message, "Slow");
    assert_string_equal(fault.request_id, "req_1");
    assert_int_equal(fault.retry_after, 30 * USEC_PER_SEC);
    fault_clear(&fault);
    assert_int_equal(
        read_fault("{\"error\":\"a\",\"message\":\"\",\"code\":500,\"details\":null}", 500, &fault), 0);
    assert_string_equal(fault.request_id, "");
    assert_int_equal(fault.retry_after, 0);
    fault_clear(&fault);
}

static void test_fault_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned status;
    } wrong[] = {
        {"{\"error\":\"forbidden\",\"message\":\"a\",\"code\":403}", 401},
        {"{\"error\":\"forbidden\",\"message\":\"a\",\"code\":418}", 418},
        {"{\"error\":\"forbidden\",\"message\":\"a\"}", 403},
        {"{\"error\":\"forbidden\",\"code\":403}", 403},
        {"{\"error\":\"Forbidden!\",\"message\":\"a\",\"code\":403}", 403},
        {"{\"error\":{\"code\":1},\"message\":\"a\",\"code\":403}", 403},
        {"{\"error\":\"forbidden\",\"message\":\"a\",\"code\":403,\"details\":\"b\"}", 403},
        {"{\"error\":\"forbidden\",\"message\":\"a\",\"code\":403,\"request_id\":7}", 403},
        {"{\"error\":\"forbidden\",\"message\":\"a\",\"code\":403,\"retry_after\":-7}", 403},
    };
    struct fault fault;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_int_equal(read_fault(wrong[i].text, wrong[i].status, &fault), -EBADMSG);
}

static void test_write_key(void **state)
{
    char *permissions[] = {(char *)"contacts:read", NULL}, *none[] = {NULL};
    g_autofree char *custom = contract_write_key("a \"b\" / \xc3\xbc", "live", "custom", permissions);
    g_autofree char *full = contract_write_key("crm", "test", "full", none);

    assert_string_equal(custom,
                        "{\"name\":\"a \\\"b\\\" / \xc3\xbc\",\"type\":\"live\",\"access\":\"custom\","
                        "\"permissions\":[\"contacts:read\"]}");
    assert_string_equal(full, "{\"name\":\"crm\",\"type\":\"test\",\"access\":\"full\",\"permissions\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_key_refused),
        cmocka_unit_test(test_no_object),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_odd_name),
        cmocka_unit_test(test_created),
        cmocka_unit_test(test_listing),
        cmocka_unit_test(test_foreign_key_of_a_new_kind),
        cmocka_unit_test(test_listing_refused),
        cmocka_unit_test(test_fault),
        cmocka_unit_test(test_fault_refused),
        cmocka_unit_test(test_write_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
