/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the ledger does with a file that is there: damaged, newer, older, somebody else's, locked. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/core/errors.h"
#include "daemon/io/ledger-private.h"
#include "tests/unit/ledger-fixture.h"

#define NOBODY 65534

static void assert_refused(struct fixture *f, enum kt_error code, const char *words)
{
    g_autoptr(GError) error = NULL;
    enum ledger_condition condition;

    assert_null(ledger_open(f->path, &condition, &error));
    assert_true(g_error_matches(error, KT_ERROR, (int)code));
    if (strstr(error->message, words) == NULL)
        print_error("%s\n", error->message);
    assert_non_null(strstr(error->message, words));
}

static char *read_file(const char *path, size_t *ret_size)
{
    char *content = NULL;

    assert_true(g_file_get_contents(path, &content, ret_size, NULL));
    return content;
}

static void test_new(void **state)
{
    struct fixture *f = *state;
    struct stat st;

    umask(0);
    fixture_open(f, LEDGER_NEW);
    assert_false(ledger_is_foreign(f->ledger));
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    fixture_close(f);
    assert_int_equal(chmod(f->path, 0644), 0);
    fixture_open(f, LEDGER_FOUND);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_one_daemon(void **state)
{
    struct fixture *f = *state;

    fixture_open(f, LEDGER_NEW);
    assert_refused(f, KT_BUSY, "another keyturnd uses ");
    assert_refused(f, KT_BUSY, f->folder);
    fixture_close(f);
    fixture_open(f, LEDGER_FOUND);
}

static void test_other_program(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db = NULL;

    fixture_open(f, LEDGER_NEW);
    fixture_close(f);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_refused(f, KT_FAILED, "close it first");
    sqlite3_close(db);
    fixture_open(f, LEDGER_FOUND);
}

static void test_odd_files(void **state)
{
    struct fixture *f = *state;
    g_autofree char *elsewhere = g_strconcat(f->folder, "/elsewhere", NULL);
    g_autofree char *lock = g_strconcat(f->folder, "/ledger.lock", NULL);

    assert_true(g_file_set_contents(elsewhere, "precious", -1, NULL));
    assert_int_equal(symlink(elsewhere, f->path), 0);
    assert_refused(f, KT_FAILED, "symbolic link");
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    assert_refused(f, KT_FAILED, "not a file");
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(mkfifo(f->path, 0600), 0);
    assert_refused(f, KT_FAILED, "not a file");
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(symlink(elsewhere, lock), 0);
    assert_refused(f, KT_FAILED, "ledger.lock");
    assert_int_equal(unlink(lock), 0);
    fixture_open(f, LEDGER_NEW);
}

static void test_folders(void **state)
{
    struct fixture *f = *state;
    g_autofree char *through = g_strconcat(f->folder, "/link", NULL);
    g_autofree char *path = f->path;

    assert_int_equal(symlink(f->folder, through), 0);
    f->path = g_build_filename(through, "ledger.db", NULL);
    fixture_open(f, LEDGER_NEW);
    fixture_close(f);
    g_free(f->path);
    f->path = g_build_filename(f->folder, "none", "ledger.db", NULL);
    assert_refused(f, KT_FAILED, "none");
}

static void test_other_owner(void **state)
{
    struct fixture *f = *state;

    if (geteuid() != 0)
        skip();
    fixture_open(f, LEDGER_NEW);
    fixture_close(f);
    assert_int_equal(chown(f->path, NOBODY, NOBODY), 0);
    assert_refused(f, KT_FAILED, "another user");
}

/* In a process of its own, since root may write anywhere. */
static int open_unwritable(struct fixture *f)
{
    enum ledger_condition condition;
    g_autoptr(GError) error = NULL;

    if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return 2;
    if (ledger_open(f->path, &condition, &error) != NULL)
        return 3;
    return g_error_matches(error, KT_ERROR, KT_FAILED) ? 0 : 4;
}

static void test_unwritable_folder(void **state)
{
    struct fixture *f = *state;
    int status;
    pid_t pid;

    if (geteuid() == 0)
        assert_int_equal(chown(f->folder, NOBODY, NOBODY), 0);
    assert_int_equal(chmod(f->folder, 0500), 0);
    pid = fork();
    if (pid == 0)
        _exit(open_unwritable(f));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(chmod(f->folder, 0700), 0);
    assert_false(g_file_test(f->path, G_FILE_TEST_EXISTS));
}

static void test_newer(void **state)
{
    struct fixture *f = *state;
    g_autofree char *before = NULL, *after = NULL;
    size_t size, size_after;

    fixture_open(f, LEDGER_NEW);
    fixture_close(f);
    fixture_edit(f, "PRAGMA user_version = 99; CREATE TABLE later (x)");
    before = read_file(f->path, &size);
    assert_refused(f, KT_FAILED, "was written by a newer keyturn: upgrade keyturn, or move it away");
    after = read_file(f->path, &size_after);
    assert_int_equal(size, size_after);
    assert_memory_equal(before, after, size);
}

static void test_not_ours(void **state)
{
    struct fixture *f = *state;

    assert_true(g_file_set_contents(f->path, "", 0, NULL));
    fixture_edit(f, "CREATE TABLE photos (x)");
    assert_refused(f, KT_FAILED, "not a ledger of keyturn");
    fixture_edit(f, "INSERT INTO photos VALUES (1)");
}

static void test_no_table(void **state)
{
    struct fixture *f = *state;

    fixture_open(f, LEDGER_NEW);
    fixture_close(f);
    fixture_edit(f, "DROP TABLE holders");
    assert_refused(f, KT_FAILED, "no such table: holders");
}

static void test_foreign(void **state)
{
    struct fixture *f = *state;

    fixture_open(f, LEDGER_NEW);
    fixture_close(f);
    fixture_edit(f, "UPDATE machine SET id = '0123456789abcdef0123456789abcdef'");
    fixture_open(f, LEDGER_FOUND);
    assert_true(ledger_is_foreign(f->ledger));
    fixture_reopen(f);
    assert_true(ledger_is_foreign(f->ledger));
    assert_int_equal(ledger_claim(f->ledger), 0);
    assert_false(ledger_is_foreign(f->ledger));
    fixture_reopen(f);
    assert_false(ledger_is_foreign(f->ledger));
}

static const char *const made_up[] = {
    "CREATE TABLE pets (name TEXT); INSERT INTO pets VALUES ('Rex')",
    "ALTER TABLE pets ADD COLUMN legs INTEGER NOT NULL DEFAULT 4",
    "UPDATE pets SET legs = 3 WHERE name = 'Rex'",
    "CREATE TABLE toys (name TEXT); ALTER TABLE nothing ADD COLUMN x",
};

static int migrate(sqlite3 *db, int version)
{
    int rc = sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);

    if (rc == SQLITE_OK)
        rc = ledger_migrate(db, made_up, version);
    sqlite3_exec(db, rc == SQLITE_OK ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static void assert_number(sqlite3 *db, const char *sql, int64_t expected)
{
    int64_t found;

    assert_int_equal(ledger_read_pragma(db, sql, &found), SQLITE_OK);
    assert_int_equal(found, expected);
}

static void test_migrations(void **state)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(migrate(db, 1), SQLITE_OK);
    assert_number(db, "PRAGMA user_version", 1);
    assert_int_equal(migrate(db, 3), SQLITE_OK);
    assert_number(db, "PRAGMA user_version", 3);
    assert_number(db, "SELECT legs FROM pets", 3);
    assert_int_equal(migrate(db, 3), SQLITE_OK);
    assert_number(db, "SELECT count(*) FROM pets", 1);
    assert_int_not_equal(migrate(db, 4), SQLITE_OK);
    assert_number(db, "PRAGMA user_version", 3);
    assert_number(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'toys'", 0);
    sqlite3_close(db);
}

/* A ledger of an older keyturn, whose rotations had fewer fields. */
static void test_added_fields(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GPtrArray) rotations = NULL;
    struct rotation *expected = rotation_new("00000001", "crm", ENVIRONMENT_LIVE, CAUSE_ADD, 0);

    fixture_open(f, LEDGER_NEW);
    assert_int_equal(ledger_put_integration(f->ledger, "crm", ENVIRONMENT_LIVE), 0);
    fixture_close(f);
    fixture_edit(f, "DROP INDEX rotations_under_way; DROP TABLE rotations;"
                    "CREATE TABLE rotations (rid TEXT PRIMARY KEY NOT NULL, integration TEXT NOT NULL,"
                    " is_ended INTEGER NOT NULL DEFAULT 0, state INTEGER NOT NULL DEFAULT 0) STRICT;"
                    "INSERT INTO rotations (rid, integration) VALUES ('00000001', 'crm')");
    fixture_open(f, LEDGER_FOUND);
    rotations = ledger_load_rotations(f->ledger);
    assert_int_equal(rotations->len, 1);
    assert_true(rotation_equal(rotations->pdata[0], expected));
    rotation_free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_CLOSED(test_new),           TEST_CLOSED(test_one_daemon),  TEST_CLOSED(test_odd_files),
        TEST_CLOSED(test_folders),       TEST_CLOSED(test_newer),       TEST_CLOSED(test_unwritable_folder),
        TEST_CLOSED(test_not_ours),      TEST_CLOSED(test_other_owner), TEST_CLOSED(test_no_table),
        TEST_CLOSED(test_other_program), TEST_CLOSED(test_foreign),     cmocka_unit_test(test_migrations),
        TEST_CLOSED(test_added_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
