/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens the ledger: lock, version, integrity, schema, machine. A damaged one is set aside, never repaired and
 * never thrown away.
 *
 * The journal is a write-ahead log: with synchronous=FULL a commit is durable after one sync, where a
 * rollback journal takes three and, short of EXTRA, may still lose it to a power cut. It is used with
 * exclusive locking: no shared memory, so it works in any file system, and no other program can make a
 * commit wait. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-id128.h>

#include "daemon/core/errors.h"
#include "daemon/io/ledger-kill-points.h"
#include "daemon/io/ledger-private.h"
#include "daemon/util/cleanup.h"

#define MACHINE_APPLICATION SD_ID128_MAKE(6b, a7, fd, 5e, 90, d9, 42, 56, b8, 45, 44, cb, 75, 45, aa, f7)
#define BIG_FILE (16 * 1024 * 1024)
#define LOCK_TIMEOUT_MSEC 2000

/* The ledger is damaged, and no GError was set. */
#define DAMAGED (-EBADMSG)

static int fail(GError **error, int r, const char *format, ...) G_GNUC_PRINTF(3, 4);

static int fail(GError **error, int r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_propagate_error(error, g_error_new_valist(KT_ERROR, KT_FAILED, format, arguments));
    va_end(arguments);
    return r;
}

/* A result as an error, unless it is damage. words: for what has no sentence of its own. */
static int report(int r, const char *path, const char *words, GError **error)
{
    if (r == 0 || r == DAMAGED)
        return r;
    if (r == -EBUSY)
        return fail(error, r, "another program has %s open: close it first", path);
    if (r == -ENOSPC)
        return fail(error, r, "no space left for %s: make room first", path);
    if (r == -EROFS)
        return fail(error, r, "%s can't be written: make its folder writable", path);
    return fail(error, r, "can't use %s: %s", path, words);
}

static int check(sqlite3 *db, int rc, const char *path, GError **error)
{
    return report(ledger_errno(db, rc), path, sqlite3_errmsg(db), error);
}

static int lock_folder(struct ledger *ledger, const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "ledger.lock", NULL);
    int r = ledger_lock(folder, &ledger->lock);

    if (r == -EWOULDBLOCK) {
        g_set_error(error, KT_ERROR, KT_BUSY, "another keyturnd uses %s: stop it first", folder);
        return -EBUSY;
    }
    return report(r, path, g_strerror(-r), error);
}

static int prepare_file(const char *path, int64_t *ret_size, GError **error)
{
    int r = ledger_prepare_file(path, ret_size);

    if (r == -ELOOP)
        return fail(error, r, "%s is a symbolic link: put the file itself in its place", path);
    if (r == -EPERM)
        return fail(error, r, "%s belongs to another user: give it to the one that keyturnd runs as", path);
    if (r == -EINVAL || r == -EISDIR)
        return fail(error, r, "%s is not a file: move it away", path);
    return report(r, path, g_strerror(-r), error);
}

/* Until it is found sound, closing it leaves the file and its log as they are. */
static int connect_file(struct ledger *ledger, const char *path, GError **error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int rc = sqlite3_open_v2(path, &ledger->db, flags, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_busy_timeout(ledger->db, LOCK_TIMEOUT_MSEC);
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        rc = sqlite3_exec(ledger->db,
                          "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
                          "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                          "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
                          NULL, NULL, NULL);
    }
    if (rc == SQLITE_OK)
        rc = ledger_add_functions(ledger->db);
    return check(ledger->db, rc, path, error);
}

/* Whose file it is, and of which version. */
static int check_version(struct ledger *ledger, const char *path, bool *ret_is_new, GError **error)
{
    int64_t application, version, tables;
    int rc = ledger_read_pragma(ledger->db, "PRAGMA application_id", &application);

    if (rc == SQLITE_OK)
        rc = ledger_read_pragma(ledger->db, "PRAGMA user_version", &version);
    if (rc == SQLITE_OK)
        rc = ledger_read_pragma(ledger->db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (rc != SQLITE_OK)
        return check(ledger->db, rc, path, error);
    *ret_is_new = application == 0 && version == 0 && tables == 0;
    if (!*ret_is_new && application != LEDGER_APPLICATION)
        return fail(error, -EINVAL, "%s is not a ledger of keyturn: move it away", path);
    if (version > ledger_version)
        return fail(error, -EINVAL, "%s was written by a newer keyturn: upgrade keyturn, or move it away",
                    path);
    return 0;
}

static int read_verdict(void *userdata, int n, char **values, char **names)
{
    bool *sound = userdata;

    *sound = n == 1 && g_strcmp0(values[0], "ok") == 0;
    return 0;
}

static int check_integrity(struct ledger *ledger, const char *path, int64_t size, GError **error)
{
    const char *pragma = size > BIG_FILE ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)";
    bool sound = false;
    int r = check(ledger->db, sqlite3_exec(ledger->db, pragma, read_verdict, &sound, NULL), path, error);

    return r == 0 && !sound ? DAMAGED : r;
}

static int update_schema(struct ledger *ledger, const char *path, GError **error)
{
    int rc = ledger_migrate(ledger->db, ledger_migrations, ledger_version);

    if (rc == SQLITE_OK)
        rc = ledger_add_rotation_columns(ledger->db);
    return check(ledger->db, rc, path, error);
}

static int prepare_statements(struct ledger *ledger, const char *path, GError **error)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        int rc = sqlite3_prepare_v3(ledger->db, ledger_statements[i], -1, SQLITE_PREPARE_PERSISTENT,
                                    &ledger->statements[i], NULL);
        if (rc != SQLITE_OK)
            return check(ledger->db, rc, path, error);
    }
    return 0;
}

static int write_machine(struct ledger *ledger)
{
    return ledger_run(ledger, STATEMENT_WRITE_MACHINE, VALUES(text(ledger->machine)));
}

static int compare_machine(struct ledger *ledger, const char *path, GError **error)
{
    sd_id128_t id;
    uint64_t same;
    int r = sd_id128_get_machine_app_specific(MACHINE_APPLICATION, &id);

    if (r < 0)
        return fail(error, r, "can't read the machine's id: see systemd-machine-id-setup(1)");
    sd_id128_to_string(id, ledger->machine);
    r = ledger_get(ledger, STATEMENT_READ_MACHINE, VALUES(text(ledger->machine)), &same);
    if (r > 0) {
        ledger->is_foreign = !same;
        return 0;
    }
    if (r == 0)
        r = write_machine(ledger);
    return report(r, path, g_strerror(-r), error);
}

static int trim_history(struct ledger *ledger, const char *path, GError **error)
{
    int r = ledger_trim_history(ledger);

    return report(r, path, g_strerror(-r), error);
}

/* One transaction: a new ledger is there as a whole, or not at all. */
static int bring_up_to_date(struct ledger *ledger, const char *path, GError **error)
{
    int rc = sqlite3_exec(ledger->db, "PRAGMA journal_mode = WAL; BEGIN IMMEDIATE", NULL, NULL, NULL);
    int r = check(ledger->db, rc, path, error);

    if (r == 0)
        r = update_schema(ledger, path, error);
    if (r == 0)
        r = prepare_statements(ledger, path, error);
    if (r == 0)
        r = compare_machine(ledger, path, error);
    if (r == 0)
        r = trim_history(ledger, path, error);
    if (r == 0)
        r = check(ledger->db, sqlite3_exec(ledger->db, "COMMIT", NULL, NULL, NULL), path, error);
    if (!sqlite3_get_autocommit(ledger->db))
        sqlite3_exec(ledger->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static void disconnect(struct ledger *ledger)
{
    for (int i = 0; i < STATEMENT_COUNT; i++) {
        sqlite3_finalize(ledger->statements[i]);
        ledger->statements[i] = NULL;
    }
    sqlite3_close(ledger->db);
    ledger->db = NULL;
}

/* 0, DAMAGED, or negative errno with error set; then it is not open. */
static int open_file(struct ledger *ledger, const char *path, enum ledger_condition *ret, GError **error)
{
    bool is_new = false;
    int64_t size = 0;
    int r = prepare_file(path, &size, error);

    if (r == 0)
        r = connect_file(ledger, path, error);
    if (r == 0)
        r = check_version(ledger, path, &is_new, error);
    if (r == 0)
        r = check_integrity(ledger, path, size, error);
    if (r == 0)
        r = bring_up_to_date(ledger, path, error);
    if (r < 0) {
        disconnect(ledger);
        return r;
    }
    sqlite3_db_config(ledger->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    *ret = is_new ? LEDGER_NEW : LEDGER_FOUND;
    return 0;
}

static int open_or_replace(struct ledger *ledger, const char *path, enum ledger_condition *ret,
                           GError **error)
{
    int r = open_file(ledger, path, ret, error);

    if (r != DAMAGED)
        return r;
    r = ledger_set_aside(path, clock_now());
    if (r < 0)
        return fail(error, r, "%s is damaged and can't be moved away: %s", path, g_strerror(-r));
    r = open_file(ledger, path, ret, error);
    if (r == DAMAGED)
        return fail(error, r, "%s is damaged as soon as it is written: check the disk", path);
    if (r == 0)
        *ret = LEDGER_REPLACED;
    return r;
}

struct ledger *ledger_open(const char *path, enum ledger_condition *ret, GError **error)
{
    g_autofree char *name = g_path_get_basename(path), *named_folder = g_path_get_dirname(path);
    g_autofree char *folder = realpath(named_folder, NULL); /* links on the way are fine, the last is not */
    g_autofree char *file = folder != NULL ? g_build_filename(folder, name, NULL) : NULL;
    struct ledger *ledger;
    int r;

    if (file == NULL) {
        fail(error, -errno, "can't use the folder %s: %s", named_folder, g_strerror(errno));
        return NULL;
    }
    ledger = g_new0(struct ledger, 1);
    ledger->lock = -1;
    r = lock_folder(ledger, folder, error);
    if (r == 0)
        r = open_or_replace(ledger, file, ret, error);
    if (r == 0)
        kill_points_arm(ledger->db);
    return r == 0 ? ledger : ledger_free(ledger);
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return NULL;
    disconnect(ledger);
    kt_close_p(&ledger->lock);
    g_free(ledger);
    return NULL;
}

bool ledger_is_foreign(const struct ledger *ledger)
{
    return ledger->is_foreign;
}

int ledger_claim(struct ledger *ledger)
{
    int r = ledger_begin(ledger);

    if (r == 0)
        r = write_machine(ledger);
    r = ledger_finish(ledger, r);
    if (r == 0)
        ledger->is_foreign = false;
    return r;
}
