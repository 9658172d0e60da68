/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables and bars of the command. */
#include "client/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *const titles[] = {"NAME", "KEY", "PERMISSIONS"};

static struct table *make_table(void)
{
    struct table *table = table_new(3, titles);

    table_add(table, COLOUR_BOLD, g_strdup("crm"));
    table_add(table, COLOUR_NONE, g_strdup("…9xyz"));
    table_add(table, COLOUR_GREEN, g_strdup("contacts:read contacts:write"));
    table_add(table, COLOUR_NONE, g_strdup("a-longer-name"));
    table_add(table, COLOUR_NONE, g_strdup("none"));
    table_add(table, COLOUR_NONE, g_strdup(""));
    return table;
}

static void assert_table(unsigned width, bool colours, const char *expected)
{
    _cleanup_table_ struct table *table = make_table();
    g_autofree char *text = table_format(table, width, colours);

    assert_string_equal(text, expected);
}

/* An ellipsis is three bytes and one column. */
static void test_columns_line_up(void **state)
{
    assert_table(0, false,
                 "NAME           KEY    PERMISSIONS\n"
                 "crm            …9xyz  contacts:read contacts:write\n"
                 "a-longer-name  none   \n");
}

static void test_last_column_is_cut(void **state)
{
    assert_table(36, false,
                 "NAME           KEY    PERMISSIONS\n"
                 "crm            …9xyz  contacts:read…\n"
                 "a-longer-name  none   \n");
}

/* Where nothing useful would be left, the line is let run over. */
static void test_narrow_terminal(void **state)
{
    assert_table(20, false,
                 "NAME           KEY    PERMISSIONS\n"
                 "crm            …9xyz  contacts:read contacts:write\n"
                 "a-longer-name  none   \n");
}

static void test_colours_do_not_count(void **state)
{
    assert_table(36, true,
                 "\033[4mNAME\033[0m           \033[4mKEY\033[0m    \033[4mPERMISSIONS\033[0m\n"
                 "\033[1mcrm\033[0m            …9xyz  \033[32mcontacts:read…\033[0m\n"
                 "a-longer-name  none   \n");
}

static void assert_bar(guint64 part, guint64 whole, bool utf8, const char *expected)
{
    g_autofree char *bar = bar_new(part, whole, 4, utf8);

    assert_string_equal(bar, expected);
}

static void test_bar(void **state)
{
    assert_bar(0, 90, true, "░░░░");
    assert_bar(45, 90, true, "██░░");
    assert_bar(50, 90, true, "██▏░");
    assert_bar(90, 90, true, "████");
    assert_bar(500, 90, true, "████");
    assert_bar(1, 0, true, "░░░░");
    assert_bar(0, 90, false, "----");
    assert_bar(50, 90, false, "##--");
    assert_bar(90, 90, false, "####");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_line_up),
        cmocka_unit_test(test_last_column_is_cut),
        cmocka_unit_test(test_narrow_terminal),
        cmocka_unit_test(test_colours_do_not_count),
        cmocka_unit_test(test_bar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
