/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where no journal listens, a line of the log is a line of standard error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/io/journal.h"

static const char *const fields[] = {"KEYTURN_INTEGRATION", "crm", "KEYTURN_UNIT", NULL, NULL};

/* What comes out on standard error. The caller frees it. */
static char *capture_words(const char *words)
{
    FILE *file = tmpfile();
    int before = dup(STDERR_FILENO);
    char *text = g_malloc0(256);

    dup2(fileno(file), STDERR_FILENO);
    journal_send(LOG_WARNING, "8dd49cc4bf034fd9b0ac2cf2bd9ea5c4", fields, "%s is %d days over", words, 3);
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    assert_true(fread(text, 1, 255, file) > 0);
    fclose(file);
    return text;
}

static char *capture(void)
{
    return capture_words("crm");
}

static void without_a_journal(void **state)
{
    g_autofree char *text = NULL;

    unsetenv("JOURNAL_STREAM");
    text = capture();
    assert_string_equal(text, "keyturnd: crm is 3 days over\n");
}

static void on_one_line(void **state)
{
    g_autofree char *text = NULL;

    unsetenv("JOURNAL_STREAM");
    text = capture_words("c\xff\x1b[2J\n");
    assert_string_equal(text, "keyturnd: c\\xff\\x1b[2J\\x0a is 3 days over\n");
}

static void where_the_journal_is_connected_to_something_else(void **state)
{
    static const char *const streams[] = {"1:1", "", "nonsense", "18446744073709551615:1"};

    for (size_t i = 0; i < G_N_ELEMENTS(streams); i++) {
        g_autofree char *text = NULL;

        setenv("JOURNAL_STREAM", streams[i], 1);
        text = capture();
        assert_string_equal(text, "keyturnd: crm is 3 days over\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_journal),
        cmocka_unit_test(on_one_line),
        cmocka_unit_test(where_the_journal_is_connected_to_something_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
