/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each answer proves, and that all others prove nothing. */
#include "daemon/core/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

static struct answer answer(unsigned status, bool complete, const char *error)
{
    return (struct answer){.sent = true, .status = status, .complete = complete, .error = (char *)error};
}

static void test_classes(void **state)
{
    static const struct {
        unsigned status;
        bool complete;
        const char *error;
        enum answer_class class;
    } cases[] = {
        {200, true, "", ANSWER_OK},
        {201, true, NULL, ANSWER_OK},
        {204, true, NULL, ANSWER_OK},
        {299, true, NULL, ANSWER_OK},
        {201, false, NULL, ANSWER_UNKNOWN},
        {0, false, NULL, ANSWER_UNKNOWN},
        {0, true, NULL, ANSWER_UNKNOWN},
        {100, true, NULL, ANSWER_UNKNOWN},
        {301, true, NULL, ANSWER_UNKNOWN},
        {400, true, "invalid_input", ANSWER_REFUSED},
        {422, true, "invalid_input", ANSWER_REFUSED},
        {400, false, NULL, ANSWER_UNKNOWN},
        {401, true, "unauthorized", ANSWER_DENIED},
        {401, true, "Unauthorized", ANSWER_UNKNOWN},
        {401, true, NULL, ANSWER_UNKNOWN},
        {401, false, "unauthorized", ANSWER_UNKNOWN},
        {401, true, "forbidden", ANSWER_UNKNOWN},
        {403, true, "forbidden", ANSWER_DENIED},
        {403, true, "unauthorized", ANSWER_UNKNOWN},
        {403, false, "forbidden", ANSWER_UNKNOWN},
        {404, true, "not_found", ANSWER_ABSENT},
        {404, false, NULL, ANSWER_UNKNOWN},
        {407, true, NULL, ANSWER_UNKNOWN},
        {409, true, "conflict", ANSWER_UNKNOWN},
        {418, true, NULL, ANSWER_UNKNOWN},
        {429, true, "rate_limited", ANSWER_LIMITED},
        {429, false, NULL, ANSWER_LIMITED},
        {500, true, "internal", ANSWER_UNKNOWN},
        {502, false, NULL, ANSWER_UNKNOWN},
        {503, true, "unavailable", ANSWER_UNKNOWN},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct answer told = answer(cases[i].status, cases[i].complete, cases[i].error);
        if (answer_class(&told) != cases[i].class)
            fail_msg("%u %s is of class %d", told.status, told.error, answer_class(&told));
        told.sent = false;
        assert_int_equal(answer_class(&told), ANSWER_UNSENT);
    }
}

/* Of all answers there can be, these few prove that a key is valid, and this one that it is not. */
static void test_verdicts(void **state)
{
    static const char *const errors[] = {NULL, "", "unauthorized", "forbidden", "not_found", "rate_limited"};

    for (unsigned status = 0; status < 600; status++)
        for (size_t i = 0; i < 2 * G_N_ELEMENTS(errors); i++) {
            struct answer told = answer(status, i % 2, errors[i / 2]);
            bool ours = told.complete && told.error != NULL;
            enum verdict verdict = VERDICT_UNKNOWN;

            if (told.complete && status / 100 == 2)
                verdict = VERDICT_VALID;
            if (ours && status == 403 && strcmp(told.error, "forbidden") == 0)
                verdict = VERDICT_VALID;
            if (ours && status == 401 && strcmp(told.error, "unauthorized") == 0)
                verdict = VERDICT_INVALID;
            assert_int_equal(answer_verdict(&told), verdict);
            told.sent = false;
            assert_int_equal(answer_verdict(&told), VERDICT_UNKNOWN);
        }
}

static void test_permissions(void **state)
{
    char *none[] = {NULL}, *a[] = {(char *)"x", (char *)"y", NULL}, *b[] = {(char *)"y", (char *)"x", NULL},
         *c[] = {(char *)"x", NULL}, *twice[] = {(char *)"x", (char *)"y", (char *)"x", NULL},
         *other[] = {(char *)"x", (char *)"z", NULL};

    assert_true(permissions_equal(a, a));
    assert_true(permissions_equal(a, b));
    assert_true(permissions_equal(a, twice));
    assert_true(permissions_equal(none, none));
    assert_true(permissions_equal(none, NULL));
    assert_true(permissions_equal(NULL, NULL));
    assert_false(permissions_equal(a, c));
    assert_false(permissions_equal(c, a));
    assert_false(permissions_equal(a, other));
    assert_false(permissions_equal(a, none));
    assert_false(permissions_equal(NULL, a));
}

static void test_clear(void **state)
{
    struct answer told = {
        .sent = true, .error = g_strdup("a"), .message = g_strdup("b"), .request_id = g_strdup("c")};
    struct remote_key *key = g_new0(struct remote_key, 1);

    answer_clear(&told);
    assert_null(told.error);
    assert_false(told.sent);
    answer_clear(&told);
    key->id = g_strdup("key_1");
    key->permissions = g_strsplit("a;b", ";", -1);
    remote_key_clear(key);
    assert_null(key->id);
    key->name = g_strdup("crm");
    assert_null(remote_key_free(key));
    assert_null(remote_key_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_permissions),
        cmocka_unit_test(test_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
