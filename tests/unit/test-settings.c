/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in the file that root's command writes: what was asked for, and no line more. */
#include "client/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static json_object *make(void)
{
    json_object *settings = json_object_new_object();

    settings_set_list(settings, "StartUnits", (char *[]){"b.service", "a\\x2db.service", NULL});
    settings_set_list(settings, "Permissions", (char *[]){"contacts:read", "channels:read", NULL});
    settings_set_text(settings, "Environment", "test");
    settings_set_text(settings, "RotateAfter", "1d 12h");
    settings_set_text(settings, "Overlap", NULL);
    return settings;
}

/* Without its comments. */
static char *lines_of(json_object *settings, bool units)
{
    g_autofree char *text = settings_to_text("crm", settings, units, NULL);
    g_autoptr(GString) lines = g_string_new(NULL);
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);

    for (char **line = all; *line; line++)
        if (**line && **line != '#')
            g_string_append_printf(lines, "%s|", *line);
    return g_string_free(g_steal_pointer(&lines), FALSE);
}

static void test_text(void **state)
{
    g_autoptr(json_object) settings = make();
    g_autofree char *all = lines_of(settings, true), *without = lines_of(settings, false);

    assert_string_equal(all, "[Integration]|Environment=test|Permissions=contacts:read;channels:read|"
                             "RotateAfter=1d 12h|StartUnits=b.service;a\\x2db.service|");
    assert_string_equal(
        without,
        "[Integration]|Environment=test|Permissions=contacts:read;channels:read|RotateAfter=1d 12h|");
}

/* What keyturnd tells is not believed to be settings alone. */
static void test_strange_names(void **state)
{
    g_autoptr(json_object) settings = make();
    g_autofree char *text = NULL;

    settings_set_text(settings, "Overlap=1h\nStartUnits", "evil.service");
    settings_set_text(settings, "Nonsense", "evil");
    text = settings_to_text("crm", settings, false, NULL);
    assert_null(strstr(text, "evil"));
}

static void assert_refused(const char *value)
{
    g_autoptr(json_object) settings = make(), in_list = make();
    g_autoptr(GError) error = NULL;

    settings_set_text(settings, "OnStillUsed", value);
    assert_null(settings_to_text("crm", settings, true, &error));
    assert_non_null(strstr(error->message, "OnStillUsed"));
    assert_null(strchr(error->message, '\n'));
    assert_null(strchr(error->message, '\033'));
    settings_set_list(in_list, "Allow", (char *[]){"any", (char *)value, NULL});
    assert_null(settings_to_text("crm", in_list, true, NULL));
}

static void test_values_that_are_more(void **state)
{
    assert_refused("hold\nStartUnits=evil.service");
    assert_refused("hold;delete");
    assert_refused("hold\r");
    assert_refused("\033[2J");
    assert_refused("a # vim: set makeprg=evil :");
    assert_refused("\xff");
}

static void test_units(void **state)
{
    g_autoptr(json_object) settings = make(), none = json_object_new_object();

    assert_true(settings_have_units(settings));
    assert_false(settings_have_units(none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_strange_names),
        cmocka_unit_test(test_values_that_are_more),
        cmocka_unit_test(test_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
