/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command's files are whole, its own, and no link of anybody's. */
#include "client/definitions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib/gstdio.h>

struct place {
    char *folder;
    char *secret; /* outside of it */
    struct definitions definitions;
};

/* XDG_CONFIG_HOME is read once in a process, so all tests share it. */
static char *config_home(void)
{
    return g_build_filename(g_get_user_config_dir(), "keyturn", "integrations", NULL);
}

static void empty(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        assert_int_equal(g_remove(path), 0);
    }
}

static int setup(void **state)
{
    struct place *place = g_new0(struct place, 1);

    place->folder = config_home();
    place->secret = g_build_filename(g_get_user_config_dir(), "secret", NULL);
    assert_int_equal(g_mkdir_with_parents(place->folder, 0755), 0);
    empty(place->folder);
    assert_true(g_file_set_contents(place->secret, "hunter2", -1, NULL));
    assert_int_equal(definitions_open(false, &place->definitions, NULL), 0);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;

    definitions_clear(&place->definitions);
    empty(place->folder);
    g_remove(place->secret);
    g_free(place->folder);
    g_free(place->secret);
    g_free(place);
    return 0;
}

static void link_to_secret(const struct place *place, const char *name)
{
    g_autofree char *path = g_build_filename(place->folder, name, NULL);

    assert_int_equal(symlink(place->secret, path), 0);
}

static void assert_text(const struct place *place, const char *file, const char *expected)
{
    g_autofree char *text = NULL;

    assert_int_equal(definitions_read(&place->definitions, file, &text, NULL), 0);
    if (expected != NULL)
        assert_string_equal(text, expected);
    else
        assert_null(text);
}

static void assert_secret(const struct place *place)
{
    g_autofree char *text = NULL;

    assert_true(g_file_get_contents(place->secret, &text, NULL, NULL));
    assert_string_equal(text, "hunter2");
}

static unsigned count(const struct place *place)
{
    g_autoptr(GDir) dir = g_dir_open(place->folder, 0, NULL);
    unsigned n = 0;

    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static void test_write(void **state)
{
    const struct place *place = *state;
    g_autofree char *path = g_build_filename(place->folder, "a.conf", NULL);
    struct stat status;

    assert_text(place, "a.conf", NULL);
    assert_int_equal(definitions_write(&place->definitions, "a.conf", "one", true, NULL), 0);
    assert_text(place, "a.conf", "one");
    assert_int_equal(g_stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    assert_int_equal(g_chmod(path, 0600), 0);
    assert_int_equal(definitions_write(&place->definitions, "a.conf", "two", false, NULL), 0);
    assert_text(place, "a.conf", "two");
    assert_int_equal(g_stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(count(place), 1);
}

static void test_only_new(void **state)
{
    const struct place *place = *state;
    g_autoptr(GError) error = NULL;

    assert_int_equal(definitions_write(&place->definitions, "a.conf", "one", false, NULL), 0);
    assert_int_equal(definitions_write(&place->definitions, "a.conf", "two", true, &error), -1);
    assert_non_null(strstr(error->message, "there already"));
    assert_text(place, "a.conf", "one");
    link_to_secret(place, "b.conf");
    assert_int_equal(definitions_write(&place->definitions, "b.conf", "two", true, NULL), -1);
    assert_int_equal(count(place), 2);
    assert_secret(place);
}

static void test_links(void **state)
{
    const struct place *place = *state;
    g_autofree char *temporary = g_strdup_printf("b.conf.new.%d", (int)getpid());
    g_autoptr(GError) error = NULL;
    char *text;

    link_to_secret(place, "a.conf");
    link_to_secret(place, temporary);
    assert_int_equal(definitions_read(&place->definitions, "a.conf", &text, &error), -1);
    assert_null(text);
    assert_non_null(strstr(error->message, "it is a link"));
    assert_int_equal(definitions_write(&place->definitions, "b.conf", "mine", true, NULL), 0);
    assert_int_equal(definitions_write(&place->definitions, "a.conf", "mine", false, NULL), 0);
    assert_text(place, "a.conf", "mine");
    assert_text(place, "b.conf", "mine");
    link_to_secret(place, "c.conf");
    assert_true(definitions_has(&place->definitions, "c.conf"));
    assert_int_equal(definitions_delete(&place->definitions, "c.conf", NULL), 0);
    assert_secret(place);
    assert_int_equal(count(place), 2);
}

static void test_no_file(void **state)
{
    const struct place *place = *state;
    g_autofree char *pipe_path = g_build_filename(place->folder, "pipe.conf", NULL);
    g_autofree char *folder_path = g_build_filename(place->folder, "folder.conf", NULL);
    char *text;

    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_int_equal(g_mkdir(folder_path, 0700), 0);
    assert_int_equal(definitions_read(&place->definitions, "pipe.conf", &text, NULL), -1);
    assert_int_equal(definitions_read(&place->definitions, "folder.conf", &text, NULL), -1);
}

static void test_rename(void **state)
{
    const struct place *place = *state;

    assert_int_equal(definitions_write(&place->definitions, "a.conf", "one", true, NULL), 0);
    assert_int_equal(definitions_write(&place->definitions, "b.conf", "two", true, NULL), 0);
    assert_int_equal(definitions_rename(&place->definitions, "a.conf", "b.conf", NULL), -1);
    assert_text(place, "b.conf", "two");
    assert_int_equal(definitions_rename(&place->definitions, "a.conf", "c.conf", NULL), 0);
    assert_text(place, "c.conf", "one");
    assert_int_equal(definitions_delete(&place->definitions, "a.conf", NULL), 0);
}

/* Somebody else's file or folder can be made by root alone. */
static void test_strangers(void **state)
{
    struct place *place = *state;
    g_autofree char *path = g_build_filename(place->folder, "a.conf", NULL);
    struct definitions again = DEFINITIONS_NONE;
    char *text;

    if (geteuid() != 0)
        skip();
    assert_int_equal(definitions_write(&place->definitions, "a.conf", "one", true, NULL), 0);
    assert_int_equal(chown(path, 1, 1), 0);
    assert_int_equal(definitions_read(&place->definitions, "a.conf", &text, NULL), -1);
    assert_int_equal(chown(place->folder, 1, 1), 0);
    assert_int_equal(definitions_open(false, &again, NULL), -1);
    definitions_clear(&again);
    assert_int_equal(chown(place->folder, 0, 0), 0);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"", "../a", "a/b", ".a", "A", "a b", "a\n", NULL};
    g_autofree char *good = definitions_file("crm.prod-1", NULL);

    assert_string_equal(good, "crm.prod-1.conf");
    for (const char *const *name = bad; *name != NULL; name++) {
        g_autoptr(GError) error = NULL;

        assert_null(definitions_file(*name, &error));
        assert_non_null(error);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_write),  TEST(test_only_new),  TEST(test_links), TEST(test_no_file),
        TEST(test_rename), TEST(test_strangers), TEST(test_names),
    };
    g_autofree char *home = g_dir_make_tmp("kt-definitions-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(home, "keyturn", "integrations", NULL);
    g_autofree char *parent = g_path_get_dirname(folder);
    int r;

    g_setenv("XDG_CONFIG_HOME", home, TRUE);
    r = cmocka_run_group_tests(tests, NULL, NULL);
    g_rmdir(folder);
    g_rmdir(parent);
    g_rmdir(home);
    return r;
}
