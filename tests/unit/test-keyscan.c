/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What looks like a key in a text, and what does not. */
#include "client/keyscan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <glib.h>

#include <cmocka.h>

/* In two parts, lest somebody takes them for keys. */
#define LIVE_PREFIX                                                                                          \
    "sk_"                                                                                                    \
    "live_"
#define LIVE LIVE_PREFIX "hG7kQ2mZp9RtX4vBn8cLwY3d"
#define TEST                                                                                                 \
    "sk_"                                                                                                    \
    "test_"                                                                                                  \
    "4fJ8sWq1LzK6yTbN2xVr9mPe"

static void assert_finds(const char *text, const char *expected)
{
    struct keyscan_match match;

    assert_true(keyscan_find(text, strlen(text), &match));
    assert_int_equal(match.length, strlen(expected));
    assert_memory_equal(match.start, expected, match.length);
    assert_int_equal(match.live, g_str_has_prefix(expected, "sk_live_"));
}

static void assert_finds_none(const char *text)
{
    struct keyscan_match match;

    assert_false(keyscan_find(text, strlen(text), &match));
}

static void test_places(void **state)
{
    assert_finds(LIVE, LIVE);
    assert_finds("HUECHAT_API_KEY=" TEST "\n", TEST);
    assert_finds("key: '" LIVE "', other", LIVE);
    assert_finds("curl -H \"X-API-Key: " TEST "\" https://sandbox.huechat.ai/v2", TEST);
    assert_finds("Bearer " LIVE ".", LIVE);
    assert_finds("https://h/?key=" LIVE "&x=1", LIVE);
    assert_finds("sk_ sk_live_ sk_live_short " TEST, TEST);
    assert_finds("sk_live_your_key_here " LIVE, LIVE);
    assert_finds("\xEF\xBB\xBF" TEST "\r\n", TEST);
}

static void test_others(void **state)
{
    assert_finds_none("");
    assert_finds_none("sk_");
    assert_finds_none("sk_live_");
    assert_finds_none("sk_live_short1");
    assert_finds_none("sk_prod_hG7kQ2mZp9RtX4vBn8cLwY3d");
    assert_finds_none("ta" LIVE);
    assert_finds_none("SK_LIVE_hG7kQ2mZp9RtX4vBn8cLwY3d");
    assert_finds_none("sk_live_$HUECHAT_API_KEY_IN_A_VARIABLE");
}

static void test_placeholders(void **state)
{
    assert_finds_none("sk_live_your_key_here");
    assert_finds_none("HUECHAT_API_KEY=sk_live_your_key_here_1234");
    assert_finds_none("sk_test_xxxxxxxxxxxxxxxxxxxxxxxx");
    assert_finds_none("sk_test_XXXXXXXXXXXXXXXXXXXXXXXX");
    assert_finds_none(LIVE_PREFIX "0000000000000000000000");
    assert_finds_none(LIVE_PREFIX "EXAMPLE7kQ2mZp9RtX4vBn8");
    assert_finds_none("sk_test_thekeyofthesandboxgoesthere");
    assert_finds_none("sk_test_abcdefghijklmnop0123456789");
}

static void test_one_after_the_other(void **state)
{
    const char *text = LIVE " " TEST, *end = text + strlen(text);
    struct keyscan_match match;

    assert_true(keyscan_find(text, strlen(text), &match));
    assert_true(match.live);
    text = match.start + match.length;
    assert_true(keyscan_find(text, (size_t)(end - text), &match));
    assert_false(match.live);
    text = match.start + match.length;
    assert_false(keyscan_find(text, (size_t)(end - text), &match));
}

/* A text has no zero byte at its end. */
static void test_ends(void **state)
{
    struct keyscan_match match;

    for (size_t length = 0; length < 24; length++) {
        g_autofree char *cut = g_memdup2(LIVE, length);
        assert_false(keyscan_find(cut, length, &match));
    }
    assert_true(keyscan_find(LIVE, 24, &match));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),       cmocka_unit_test(test_others),
        cmocka_unit_test(test_placeholders), cmocka_unit_test(test_one_after_the_other),
        cmocka_unit_test(test_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
