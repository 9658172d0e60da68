/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of strangers, and keys in them. */
#include "daemon/util/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_printable(const char *text, size_t max, const char *expected)
{
    g_autofree char *shown = text_printable(text, max);

    assert_string_equal(shown, expected);
}

static void test_printable(void **state)
{
    static const struct {
        const char *text, *shown;
    } texts[] = {
        {"", ""},
        {"All fine", "All fine"},
        {"dev-\\x2d\\disk.service", "dev-\\x2d\\disk.service"},
        {"\xc3\x9c\xe2\x82\xac\xf0\x9f\x94\x91", "\xc3\x9c\xe2\x82\xac\xf0\x9f\x94\x91"},
        {"\x1b]0;x\x07", "\\x1b]0;x\\x07"},
        {"a\r\n\tb\x7f", "a\\x0d\\x0a\\x09b\\x7f"},
        {"\xc2\x9b", "\\xc2\\x9b"},                    /* CSI, a C1 control */
        {"abholungsdiens\xc3", "abholungsdiens\\xc3"}, /* cut in mid-character */
        {"\xe2\x82", "\\xe2\\x82"},                    /* the same, of three bytes */
        {"\xf0\x9f\x94", "\\xf0\\x9f\\x94"},           /* the same, of four */
        {"\xe2\x82x\x82", "\\xe2\\x82x\\x82"},         /* a lone end */
        {"\xc0\x80", "\\xc0\\x80"},                    /* NUL, overlong */
        {"\xc1\x9b", "\\xc1\\x9b"},                    /* "[", overlong */
        {"\xe0\x80\x9b\xf0\x80\x80\x9b", "\\xe0\\x80\\x9b\\xf0\\x80\\x80\\x9b"},
        {"\xed\xa0\x80\xed\xbf\xbf", "\\xed\\xa0\\x80\\xed\\xbf\\xbf"}, /* surrogates */
        {"\xf4\x90\x80\x80\xf8\x88", "\\xf4\\x90\\x80\\x80\\xf8\\x88"}, /* past the last character */
        {"\xef\xbf\xbe\xef\xb7\x90", "\\xef\\xbf\\xbe\\xef\\xb7\\x90"}, /* no characters at all */
        {"\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f", "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\x8f"}, /* bidi */
        {"\xe2\x80\xa8\xe2\x80\xa9\xc2\x85", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9\\xc2\\x85"}, /* line ends */
        {"\xe2\x80\x8b\xef\xbb\xbf\xc2\xad", "\\xe2\\x80\\x8b\\xef\\xbb\\xbf\\xc2\\xad"}, /* without width */
        {"\xf3\xa0\x81\x81", "\\xf3\\xa0\\x81\\x81"},                                     /* a tag */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_printable(texts[i].text, 100, texts[i].shown);
    assert_null(text_printable(NULL, 100));
}

static void test_length(void **state)
{
    assert_printable("abcd", 4, "abcd");
    assert_printable("abcde", 4, "abc\xe2\x80\xa6");
    assert_printable("\xc3\xbc\xc3\xbc\xc3\xbc", 2, "\xc3\xbc\xe2\x80\xa6");
    assert_printable("a\x1b", 5, "a\\x1b");
    assert_printable("ab\x1b", 5, "ab\xe2\x80\xa6");
    assert_printable("ab\x1b"
                     "c",
                     6, "ab\xe2\x80\xa6");
    assert_printable("\x1b", 3, "\xe2\x80\xa6");
    assert_printable("a", 0, "");
}

/* What holds for every text: it is one that a bus, a log and a terminal take, and a second time changes
 * nothing.
 */
static void assert_holds(const char *text)
{
    g_autofree char *shown = text_printable(text, 1000), *again = text_printable(shown, 1000);

    assert_true(g_utf8_validate(shown, -1, NULL));
    assert_true(text_is_printable(shown));
    assert_string_equal(again, shown);
    assert_int_equal(text_is_printable(text), strcmp(text, shown) == 0);
    for (const char *c = shown; *c != '\0'; c = g_utf8_next_char(c))
        assert_true(text_can_show(g_utf8_get_char(c)));
}

static void test_all_short_ones(void **state)
{
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            const char text[] = {(char)a, (char)b, '\0'}, between[] = {'x', (char)a, (char)b, 'y', '\0'};

            assert_holds(text);
            assert_holds(between);
        }
}

static void test_all_characters(void **state)
{
    for (gunichar c = 1; c <= 0x10ffff; c++) {
        char text[8] = "";

        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        g_unichar_to_utf8(c, text);
        if (text_is_printable(text) != text_can_show(c))
            fail_msg("U+%04X", c);
        if (c < 0x3000)
            assert_holds(text);
    }
}

/* Two names of one or two bytes are never shown as one. */
static void test_two_stay_two(void **state)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (unsigned a = 1; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            const char text[] = {(char)a, (char)b, '\0'};

            assert_true(g_hash_table_add(seen, text_printable(text, 100)));
        }
}

static void test_names_and_words(void **state)
{
    assert_true(text_is_name("B\xc3\xbcro 1", 7));
    assert_false(text_is_name("B\xc3\xbcro 1", 6));
    assert_false(text_is_name("", 6));
    assert_false(text_is_name("a\nb", 6));
    assert_false(text_is_name("a\xff", 6));
    assert_true(text_is_word("key_1", 5));
    assert_false(text_is_word("key_1", 4));
    assert_false(text_is_word("", 4));
    assert_false(text_is_word("a b", 4));
    assert_false(text_is_word("a\x1b", 4));
    assert_false(text_is_word("\xc3\xbc", 4));
}

static void test_lines(void **state)
{
    static const struct {
        const char *text, *key, *line;
    } lines[] = {
        {"", "k1", ""},
        {"All fine", "k1", "All fine"},
        {"  a\r\n\tb\x01\x7f  ", "k1", "a b\\x01\\x7f"},
        {"bad k1!", "k1", "bad ***!"},
        {"k1k1", "k1", "******"},
        {"is Sk_Live_a-b_C9, no", "k1", "is ***, no"},
        {"sk_test_", "k1", "***"},
        {"ask_live_x sk_prod_x", "", "a*** sk_prod_x"},
        {"sk_live_x", NULL, "***"},
        {"a\xff\xfe"
         "b",
         "k1",
         "a\\xff\\xfe"
         "b"},
        {"a\xe2\x80\xaex\xe2\x80\xa8y", "k1", "a\\xe2\\x80\\xaex\\xe2\\x80\\xa8y"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_autofree char *line = text_line(lines[i].text, lines[i].key);

        assert_string_equal(line, lines[i].line);
    }
    assert_null(text_line(NULL, "k1"));
}

static void test_long_line(void **state)
{
    g_autofree char *many = g_strnfill(295, 'x'),
                    *text = g_strconcat(many, "\xc3\xbc sk_live_abcdefgh", NULL),
                    *longer = g_strconcat(text, "!", NULL);
    g_autofree char *line = text_line(text, "k1"), *cut = text_line(longer, "k1");

    assert_int_equal(g_utf8_strlen(line, -1), TEXT_LINE_MAX);
    assert_true(g_str_has_suffix(line, "\xc3\xbc ***"));
    assert_int_equal(g_utf8_strlen(cut, -1), TEXT_LINE_MAX);
    assert_true(g_str_has_suffix(cut, "\xc3\xbc **\xe2\x80\xa6"));
}

static void test_slug(void **state)
{
    const char *const bad[] = {"",      ".a",   "-a",  "_a",  "A",        "a b",   "a\n",
                               "$(id)", "a;id", "a`b", "a/b", "\xc3\xbc", "a\x1b", "a'b"};
    g_autofree char *longest = g_strnfill(64, 'x'), *longer = g_strnfill(65, 'x');

    assert_true(text_is_slug("crm"));
    assert_true(text_is_slug("0.a_b-c"));
    assert_true(text_is_slug(longest));
    assert_false(text_is_slug(longer));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(text_is_slug(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printable),      cmocka_unit_test(test_length),
        cmocka_unit_test(test_all_short_ones), cmocka_unit_test(test_all_characters),
        cmocka_unit_test(test_two_stay_two),   cmocka_unit_test(test_names_and_words),
        cmocka_unit_test(test_slug),           cmocka_unit_test(test_lines),
        cmocka_unit_test(test_long_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
