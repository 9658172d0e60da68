/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of strangers, and keys in them. */
#include "daemon/helpers/huechat/line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_lines(void **state)
{
    static const struct {
        const char *text, *key, *line;
    } lines[] = {
        {"", "k1", ""},
        {"All fine", "k1", "All fine"},
        {"  a\r\n\tb\x01\x7f  ", "k1", "a b"},
        {"bad k1!", "k1", "bad ***!"},
        {"k1k1", "k1", "******"},
        {"is Sk_Live_a-b_C9, no", "k1", "is ***, no"},
        {"sk_test_", "k1", "***"},
        {"ask_live_x sk_prod_x", "", "a*** sk_prod_x"},
        {"a\xff\xfe"
         "b",
         "k1",
         "a\xef\xbf\xbd\xef\xbf\xbd"
         "b"},
        {"a\xe2\x80\xaex\xe2\x80\xa8y", "k1", "a x y"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = line_of(lines[i].text, lines[i].key);

        assert_string_equal(line, lines[i].line);
    }
}

static void test_long_line(void **state)
{
    g_autofree char *many = g_strnfill(295, 'x'),
                    *text = g_strconcat(many, "\xc3\xbc sk_live_abcdefgh", NULL);
    g_autofree char *line = line_of(text, "k1");

    assert_int_equal(g_utf8_strlen(line, -1), LINE_CHARS_MAX);
    assert_true(g_str_has_suffix(line, "\xc3\xbc ***"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
