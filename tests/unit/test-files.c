/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file is replaced whole or not at all, and nothing stays beside it. */
#include "daemon/util/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>

struct place {
    char *folder;
    char *path;
};

static int setup(void **state)
{
    struct place *place = g_new0(struct place, 1);

    place->folder = g_dir_make_tmp("kt-files-XXXXXX", NULL);
    place->path = g_build_filename(place->folder, "a.conf", NULL);
    *state = place;
    return place->folder == NULL;
}

static void empty_folder(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        if (g_file_test(entry, G_FILE_TEST_IS_DIR) && !g_file_test(entry, G_FILE_TEST_IS_SYMLINK))
            empty_folder(entry);
        g_remove(entry);
    }
}

static int teardown(void **state)
{
    struct place *place = *state;

    empty_folder(place->folder);
    g_rmdir(place->folder);
    g_free(place->folder);
    g_free(place->path);
    g_free(place);
    return 0;
}

/* The one file in the folder is a.conf, and says this. */
static void assert_only(const struct place *place, const char *content)
{
    g_autofree char *text = NULL;
    g_autoptr(GDir) folder = g_dir_open(place->folder, 0, NULL);
    gsize length;

    assert_true(g_file_get_contents(place->path, &text, &length, NULL));
    assert_int_equal(length, strlen(content));
    assert_string_equal(text, content);
    assert_string_equal(g_dir_read_name(folder), "a.conf");
    assert_null(g_dir_read_name(folder));
}

static void test_makes_and_replaces(void **state)
{
    struct place *place = *state;
    struct stat first, second;

    assert_int_equal(file_replace(place->path, 0644, "one", 3), 0);
    assert_only(place, "one");
    assert_int_equal(stat(place->path, &first), 0);
    assert_int_equal(first.st_mode & 07777, 0644);
    assert_int_equal(file_replace(place->path, 0644, "", 0), 0);
    assert_only(place, "");
    assert_int_equal(stat(place->path, &second), 0);
    assert_true(first.st_ino != second.st_ino);
}

/* Who has the old file open goes on reading the old text. */
static void test_readers_see_one_version(void **state)
{
    struct place *place = *state;
    char text[8] = {0};
    int fd;

    assert_int_equal(file_replace(place->path, 0644, "old", 3), 0);
    fd = open(place->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(file_replace(place->path, 0644, "newer", 5), 0);
    assert_int_equal(read(fd, text, sizeof text), 3);
    assert_string_equal(text, "old");
    close(fd);
    assert_only(place, "newer");
}

static void test_large_and_binary(void **state)
{
    struct place *place = *state;
    size_t size = 3 * 1024 * 1024 + 1;
    g_autofree char *content = g_malloc0(size), *read_back = NULL;
    gsize length;

    content[size - 1] = 'x';
    assert_int_equal(file_replace(place->path, 0644, content, size), 0);
    assert_true(g_file_get_contents(place->path, &read_back, &length, NULL));
    assert_true(length == size && memcmp(content, read_back, size) == 0);
}

/* What follows a NUL would not be seen by who reads a text. */
static void test_reads_texts(void **state)
{
    struct place *place = *state;
    g_autofree char *text = NULL;

    assert_int_equal(file_replace(place->path, 0644, "a\nb", 3), 0);
    assert_int_equal(file_read(place->path, &text), 0);
    assert_string_equal(text, "a\nb");
    assert_int_equal(file_replace(place->path, 0644, "a\0b", 3), 0);
    assert_int_equal(file_read(place->path, &text), -EILSEQ);
    assert_int_equal(file_read(place->folder, &text), -EINVAL);
}

static void test_no_folder(void **state)
{
    struct place *place = *state;
    g_autofree char *path = g_build_filename(place->folder, "missing", "a.conf", NULL);

    assert_int_equal(file_replace(path, 0644, "x", 1), -ENOENT);
    assert_int_equal(g_access(path, F_OK), -1);
}

/* A folder can't be replaced by a file; the temporary file goes. */
static void test_rename_fails(void **state)
{
    struct place *place = *state;
    g_autofree char *inner = g_build_filename(place->path, "inner", NULL);
    g_autoptr(GDir) folder = NULL;

    assert_int_equal(folder_make(inner), 0);
    assert_int_equal(file_replace(place->path, 0644, "x", 1), -EISDIR);
    folder = g_dir_open(place->folder, 0, NULL);
    assert_string_equal(g_dir_read_name(folder), "a.conf");
    assert_null(g_dir_read_name(folder));
}

/* In a process of its own: a file system that is full, as a limit on the size of files. */
static void test_disk_full(void **state)
{
    struct place *place = *state;
    int status;
    pid_t pid;

    assert_int_equal(file_replace(place->path, 0644, "old", 3), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const struct rlimit limit = {100, 100};
        static const char content[200];

        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(file_replace(place->path, 0644, content, sizeof content) == -EFBIG ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_only(place, "old");
}

static void test_symlink_is_replaced(void **state)
{
    struct place *place = *state;
    g_autofree char *target = g_build_filename(place->folder, "target", NULL), *text = NULL;

    assert_true(g_file_set_contents(target, "kept", -1, NULL));
    assert_int_equal(symlink(target, place->path), 0);
    assert_int_equal(file_replace(place->path, 0644, "new", 3), 0);
    assert_false(g_file_test(place->path, G_FILE_TEST_IS_SYMLINK));
    assert_true(g_file_get_contents(target, &text, NULL, NULL));
    assert_string_equal(text, "kept");
}

static void test_folders(void **state)
{
    struct place *place = *state;
    g_autofree char *inner = g_build_filename(place->folder, "a", "b", NULL);
    g_autofree char *below = NULL;
    struct stat info;

    assert_int_equal(folder_make(inner), 0);
    assert_int_equal(folder_make(inner), 0);
    assert_int_equal(stat(inner, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(file_replace(place->path, 0644, "x", 1), 0);
    below = g_build_filename(place->path, "c", NULL);
    assert_int_equal(folder_make(below), -ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_makes_and_replaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_readers_see_one_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_and_binary, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reads_texts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rename_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_symlink_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folders, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
