/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A damaged ledger is set aside as it was, and a new one begun; never a crash, wherever the damage is. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/ledger-records.h"

/* Files that were set aside, without what SQLite kept beside them; the last name, if it is asked for. */
static unsigned count_set_aside(struct fixture *f, char **ret_path)
{
    g_autoptr(GDir) folder = g_dir_open(f->folder, 0, NULL);
    const char *name;
    unsigned n = 0;

    while ((name = g_dir_read_name(folder)) != NULL) {
        if (!g_pattern_match_simple("ledger.db.damaged-????????T??????Z*", name) ||
            g_str_has_suffix(name, "-wal"))
            continue;
        if (ret_path != NULL)
            *ret_path = g_build_filename(f->folder, name, NULL);
        n++;
    }
    return n;
}

static void assert_same_content(const char *path, const char *content, size_t size)
{
    g_autofree char *found = NULL;
    size_t n;

    assert_true(g_file_get_contents(path, &found, &n, NULL));
    assert_int_equal(n, size);
    assert_memory_equal(found, content, size);
}

static void damage(struct fixture *f, long offset, const void *bytes, size_t n)
{
    FILE *file = fopen(f->path, "r+e");

    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void fill(struct fixture *f)
{
    put_crm(f);
    for (unsigned n = 1; n <= 20; n++)
        assert_int_equal(commit_record(f->ledger, n), 0);
}

static void test_set_aside(void **state)
{
    struct fixture *f = *state;
    char zeros[8192] = {0};

    fill(f);
    fixture_close(f);
    damage(f, 8192, zeros, sizeof zeros);
    fixture_open(f, LEDGER_REPLACED);
    assert_int_equal(count_set_aside(f, NULL), 1);
    assert_records(f, 0);
    fill(f);
    fixture_reopen(f);
    assert_records(f, 20);
    fixture_close(f);
    damage(f, 0, "no database at all", 18);
    fixture_open(f, LEDGER_REPLACED);
    assert_int_equal(count_set_aside(f, NULL), 2);
    fixture_close(f);
    assert_int_equal(truncate(f->path, 5000), 0);
    fixture_open(f, LEDGER_REPLACED);
    assert_int_equal(count_set_aside(f, NULL), 3);
}

/* A log that belongs to a damaged file goes with it, both as they were. */
static void test_set_aside_with_log(void **state)
{
    struct fixture *f = *state;
    g_autofree char *log = g_strconcat(f->path, "-wal", NULL);
    g_autofree char *file_before = NULL, *log_before = NULL, *aside = NULL, *log_aside = NULL;
    GRand *random = g_rand_new_with_seed(1);
    char zeros[40000] = {0};
    size_t file_size, log_size;

    fill(f);
    fixture_close(f);
    kill_committer(f, 20, true, random);
    damage(f, 4096, zeros, sizeof zeros); /* page 1 and others are in the log, too */
    assert_true(g_file_get_contents(f->path, &file_before, &file_size, NULL));
    assert_true(g_file_get_contents(log, &log_before, &log_size, NULL));
    assert_true(log_size > 0);
    fixture_open(f, LEDGER_REPLACED);
    assert_records(f, 0);
    assert_int_equal(count_set_aside(f, &aside), 1);
    log_aside = g_strconcat(aside, "-wal", NULL);
    assert_same_content(aside, file_before, file_size);
    assert_same_content(log_aside, log_before, log_size);
    g_rand_free(random);
}

/* The pages are sound, but what they say is not. */
static void test_set_aside_nonsense(void **state)
{
    struct fixture *f = *state;

    fill(f);
    fixture_close(f);
    fixture_edit(f, "PRAGMA ignore_check_constraints = ON; UPDATE keys SET state = 9 WHERE number = 1");
    fixture_open(f, LEDGER_REPLACED);
}

static void ignore_event(const struct ledger_event *event, void *userdata)
{
}

static void read_all(struct fixture *f)
{
    g_autoptr(GPtrArray) integrations = ledger_load_integrations(f->ledger);
    g_autoptr(GPtrArray) keys = ledger_load_keys(f->ledger);
    g_autoptr(GPtrArray) rotations = ledger_load_rotations(f->ledger);
    g_autoptr(GPtrArray) holders = ledger_load_holders(f->ledger, "crm");

    ledger_read_history(f->ledger, "", 0, ignore_event, NULL);
}

/* Wherever the damage is: it opens, sound or anew, or says why not; and reading it is safe. */
static void test_damaged_anywhere(void **state)
{
    struct fixture *f = *state;
    GRand *random = g_rand_new_with_seed(42);
    g_autofree char *sound = NULL;
    size_t size;
    unsigned replaced = 0;

    fill(f);
    fixture_close(f);
    assert_true(g_file_get_contents(f->path, &sound, &size, NULL));
    for (int i = 0; i < 60; i++) {
        enum ledger_condition condition;
        g_autoptr(GError) error = NULL;
        guint32 bytes[50];

        for (size_t j = 0; j < G_N_ELEMENTS(bytes); j++)
            bytes[j] = g_rand_int(random);
        assert_true(g_file_set_contents(f->path, sound, (gssize)size, NULL));
        damage(f, g_rand_int_range(random, 0, (gint32)(size - sizeof bytes)), bytes, sizeof bytes);
        f->ledger = ledger_open(f->path, &condition, &error);
        if (f->ledger == NULL) {
            assert_non_null(error);
            continue;
        }
        replaced += condition == LEDGER_REPLACED;
        read_all(f);
        fixture_close(f);
    }
    assert_int_equal(count_set_aside(f, NULL), replaced);
    assert_true(replaced > 5);
    g_rand_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_set_aside),
        TEST(test_set_aside_with_log),
        TEST(test_set_aside_nonsense),
        TEST(test_damaged_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
