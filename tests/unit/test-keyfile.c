/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines, repetitions and everything that is no key file. */
#include "daemon/core/keyfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/core/errors.h"

/* The file is refused, with exactly this text. */
static void assert_refused(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;

    assert_null(keyfile_parse("a.conf", text, &error));
    assert_non_null(error);
    assert_true(g_error_matches(error, KT_ERROR, KT_INVALID));
    assert_string_equal(error->message, message);
}

static void test_reads(void **state)
{
    _cleanup_keyfile_ struct keyfile *file = keyfile_parse(
        "a.conf", "# a comment\n\n[One]\nA=1\n  B =  two words \r\n[Two Words]\nA=a\\x2db=c\nC=\n", NULL);

    assert_non_null(file);
    assert_int_equal(file->count, 6);
    assert_string_equal(keyfile_find(file, "One", "A")->value, "1");
    assert_int_equal(keyfile_find(file, "One", "A")->line, 4);
    assert_string_equal(keyfile_find(file, "One", "B")->value, "two words");
    assert_int_equal(keyfile_find(file, "One", "B")->line, 5);
    assert_string_equal(keyfile_find(file, "Two Words", "A")->value, "a\\x2db=c");
    assert_int_equal(keyfile_find(file, "Two Words", "A")->line, 7);
    assert_string_equal(keyfile_find(file, "Two Words", "C")->value, "");
    assert_string_equal(file->path, "a.conf");
}

static void test_finds_the_nearest(void **state)
{
    _cleanup_keyfile_ struct keyfile *file = keyfile_parse("a.conf", "\n[One]\nA=1\n", NULL);

    assert_int_equal(keyfile_find(file, "One", "B")->line, 2);
    assert_null(keyfile_find(file, "One", "B")->key);
    assert_int_equal(keyfile_find(file, "One", NULL)->line, 2);
    assert_null(keyfile_find(file, "Two", "A"));
}

static void test_empty(void **state)
{
    static const char *const texts[] = {"", "\n", "# only this", "\n\n  \n# x\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        _cleanup_keyfile_ struct keyfile *file = keyfile_parse("a.conf", texts[i], NULL);
        assert_non_null(file);
        assert_int_equal(file->count, 0);
        assert_null(keyfile_find(file, "One", "A"));
    }
    assert_null(keyfile_free(NULL));
}

static void test_repeated(void **state)
{
    assert_refused("[One]\nA=1\nB=2\nA=3\n", "a.conf:4: A is in line 2 already: keep one of the two");
    assert_refused("[One]\nA=1\n[Two]\nA=1\n[One]\n",
                   "a.conf:5: [One] is in line 1 already: keep one of the two");
    assert_refused("[One]\nA=1\nA =1\n", "a.conf:3: A is in line 2 already: keep one of the two");
}

/* A name is shown where it is not known, or there twice. */
static void test_keys_for_names(void **state)
{
    static const char why[] = "a.conf:2: a key where a name belongs: no key is kept in a file, take it out";

    assert_refused("[One]\nsk_live_9aB3dE7f=1\n", why);
    assert_refused("[One]\nKey sk_test_9aB3dE7f=1\nKey sk_test_9aB3dE7f=1\n", why);
    assert_refused("[One]\n[sk_live_9aB3dE7f]\n", why);
}

/* GKeyFile takes a form feed for no blank, and its words hold what was in the line. */
static void test_control_characters(void **state)
{
    static const char why[] = "a.conf:2: a control character: take it out";

    assert_refused("[One]\nA=\x1b[2J\n", why);
    assert_refused("[One]\n[Two]\f\n", why);
    assert_refused("[One]\n# \xc2\x9b\n", why);
    assert_refused("[One]\nA=1\r2\n", why);
    assert_refused("[One]\nEncoding=sk_live_9aB3dE7f\n", "a.conf: not a key file: (a key)");
}

static void test_no_keyfile(void **state)
{
    static const char outside[] = ": a setting before any section: begin with a line [Section]";
    static const char neither[] = ": neither Setting=value nor [Section]: begin a comment with #";
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"A=1\n", "a.conf:1", outside},
        {"# x\n\nA=1\n[One]\n", "a.conf:3", outside},
        {"[One]\nnonsense\n", "a.conf:2", neither},
        {"[One]\n=1\n", "a.conf:2", neither},
        {"[One]\n; a comment\n", "a.conf:2", neither},
        {"[One]\nA[de]=1\n", "a.conf:2", neither},
        {"[One\n", "a.conf:1", neither},
        {"[]\n", "a.conf:1", neither},
        {"[One]x\n", "a.conf:1", neither},
        {"[One] # x\n", "a.conf:1", neither},
        {"[One]]\n", "a.conf:1", neither},
        {"\n[One]\nA=1\n\nB\n", "a.conf:5", neither},
        {"[One]\nA\xc3\xa4=1\n", "a.conf:2", neither},
        {"[One]\nA=1\nB=\xff\n", "a.conf:3", ": not UTF-8: save the file in that encoding"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *message = g_strconcat(cases[i].where, cases[i].what, NULL);
        assert_refused(cases[i].text, message);
    }
}

/* Whatever bytes come: a key file or an error with a message, and no disagreement with GKeyFile. */
static void test_any_bytes(void **state)
{
    static const char alphabet[] = "[]=#; AB\n\r\t\\\"x1\xc3\xa4\xff";
    g_autoptr(GRand) random = g_rand_new_with_seed(20261124);

    for (int round = 0; round < 20000; round++) {
        char text[24] = {0};
        g_autoptr(GError) error = NULL;
        _cleanup_keyfile_ struct keyfile *file = NULL;

        for (int i = 0, n = g_rand_int_range(random, 0, sizeof text); i < n; i++)
            text[i] = alphabet[g_rand_int_range(random, 0, sizeof alphabet - 1)];
        file = keyfile_parse("a.conf", text, &error);
        assert_true((file == NULL) == (error != NULL));
        if (error != NULL && !g_str_has_prefix(error->message, "a.conf:"))
            fail_msg("%s", error->message);
        if (error != NULL && strstr(error->message, "not a key file") != NULL)
            fail_msg("%s", error->message);
    }
}

static char *place(const char *text, const char *key)
{
    _cleanup_keyfile_ struct keyfile *file = keyfile_parse("a.conf", text, NULL);
    g_autoptr(GError) error = g_error_new_literal(KT_ERROR, KT_INVALID, "wrong: mend it");

    keyfile_place(file, keyfile_find(file, "One", key), &error);
    return g_strdup(error->message);
}

static void test_places(void **state)
{
    g_autofree char *plain = place("[One]\nA=1\n", "A"), *comment = place("[One]\nA=24h # a day\n", "A"),
                    *header = place("\n[One]\n", "A"), *file = place("", "A");

    assert_string_equal(plain, "a.conf:2: wrong: mend it");
    assert_string_equal(comment, "a.conf:2: wrong: mend it (comments stand on lines of their own)");
    assert_string_equal(header, "a.conf:2: wrong: mend it");
    assert_string_equal(file, "a.conf:1: wrong: mend it");
}

static void test_shows(void **state)
{
    g_autofree char *plain = keyfile_show("abc"), *lines = keyfile_show("a\nb\"c"),
                    *key = keyfile_show("x sk_live_abcdefgh"), *other = keyfile_show("sk_test_abcdefgh"),
                    *a = g_strnfill(100, 'a'), *shortened = keyfile_show(a);

    assert_string_equal(plain, "\"abc\"");
    assert_string_equal(lines, "\"a\\nb\\\"c\"");
    assert_string_equal(key, "(a key)");
    assert_string_equal(other, "(a key)");
    assert_true(strlen(shortened) < 70);
    assert_true(g_str_has_suffix(shortened, "a...\""));
}

static void test_lists(void **state)
{
    g_auto(GStrv) list = keyfile_list(" a;b b ;;a;\tc;");
    g_auto(GStrv) empty = keyfile_list("");
    g_auto(GStrv) spaces = keyfile_list(" ; ;");

    assert_true(g_strv_equal((const char *const *)list, (const char *const[]){"a", "b b", "c", NULL}));
    assert_null(*empty);
    assert_null(*spaces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_finds_the_nearest),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_no_keyfile),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_shows),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_keys_for_names),
        cmocka_unit_test(test_control_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
