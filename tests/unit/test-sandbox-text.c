/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random texts, times, and what is shown of what a client sent. */
#include "sandbox/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

#include <glib.h>

static void test_random(void **state)
{
    g_autofree char *one = text_random("sk_test_", TEXT_BASE62, 200),
                    *other = text_random("sk_test_", TEXT_BASE62, 200);

    assert_int_equal(strlen(one), 208);
    assert_int_equal(strspn(one + 8, TEXT_BASE62), 200);
    assert_string_not_equal(one, other);
    for (const char *p = TEXT_HEX; *p != '\0'; p++) {
        g_autofree char *hex = text_random("", TEXT_HEX, 1000);

        assert_non_null(strchr(hex, *p));
    }
}

static void assert_shown(const char *sent, const char *wanted)
{
    g_autofree char *shown = text_shown(sent);

    assert_string_equal(shown, wanted);
}

static void test_shown(void **state)
{
    assert_null(text_shown(NULL));
    assert_shown("", "");
    assert_shown("/v2/contacts?limit=1", "/v2/contacts?limit=1");
    assert_shown("a\nb\x1b", "a?b?");
    assert_shown("\xff", "\xef\xbf\xbd");
    assert_shown("/x?k=sk_live_abc123&l=sk_test_Z", "/x?k=sk_live_***&l=sk_test_*");
    assert_shown("sk_sk_live_0123456789", "sk_sk_live_***");
    assert_shown("sk_live_", "sk_live_");
}

static void test_shown_is_short(void **state)
{
    g_autofree char *ascii = g_strnfill(1000, 'x'), *shown = text_shown(ascii);
    GString *wide = g_string_new("x");
    g_autofree char *shown_wide = NULL;

    assert_int_equal(strlen(shown), 300);
    for (int i = 0; i < 400; i++)
        g_string_append(wide, "\xc3\xbc");
    shown_wide = text_shown(wide->str);
    assert_true(g_utf8_validate(shown_wide, -1, NULL));
    assert_int_equal(strlen(shown_wide), 299);
    g_string_free(wide, TRUE);
}

static void test_times(void **state)
{
    const usec_t when = UINT64_C(1795514400) * USEC_PER_SEC + 42;
    g_autofree char *http = text_http_time(when), *precise = text_precise_time(when);
    usec_t read = 7;

    assert_string_equal(http, "Tue, 24 Nov 2026 10:00:00 GMT");
    assert_string_equal(precise, "2026-11-24T10:00:00.000042Z");
    assert_int_equal(text_parse_time(precise, &read), 0);
    assert_int_equal(read, when);
    assert_int_equal(text_parse_time("2026-11-24T11:00:00+01:00", &read), 0);
    assert_int_equal(read, when - 42);
    assert_int_equal(text_parse_time("1969-12-31T00:00:00Z", &read), -EINVAL);
    assert_int_equal(text_parse_time("tomorrow", &read), -EINVAL);
    assert_int_equal(read, when - 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_shown_is_short),
        cmocka_unit_test(test_times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
