/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs the ledger's statements and its transactions, and says in errno what SQLite says in its own words. */
#include <errno.h>

#include "daemon/io/ledger-private.h"

/* SQLite tells only some full or read-only disks from a broken one, and a failed COMMIT leaves
 * sqlite3_system_errno() as it was: errno is what the system call left. */
static int io_errno(void)
{
    switch (errno) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return -ENOSPC;
    case EROFS:
        return -EROFS;
    }
    return -EIO;
}

static int constraint_errno(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return -ENOENT;
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return -EEXIST;
    }
    return -EINVAL;
}

int ledger_errno(sqlite3 *db, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_CONSTRAINT:
        return constraint_errno(sqlite3_extended_errcode(db));
    }
    return io_errno();
}

static int bind(sqlite3_stmt *statement, const struct ledger_value *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int at = (int)i + 1;
        int rc = values[i].is_text ? sqlite3_bind_text(statement, at, values[i].text, -1, SQLITE_STATIC)
                                   : sqlite3_bind_int64(statement, at, (sqlite3_int64)values[i].number);
        if (rc != SQLITE_OK)
            return rc;
    }
    return SQLITE_OK;
}

/* The error has to be read before the statement is reset. */
static int end(struct ledger *ledger, sqlite3_stmt *statement, int rc, int r)
{
    if (r == 0)
        r = ledger_errno(ledger->db, rc);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return r;
}

int ledger_each(struct ledger *ledger, enum ledger_statement which, const struct ledger_value *values,
                size_t n, ledger_row_fn each, void *userdata)
{
    sqlite3_stmt *statement = ledger->statements[which];
    int rc = bind(statement, values, n), r = 0;

    errno = 0;
    if (rc == SQLITE_OK)
        while (r == 0 && (rc = sqlite3_step(statement)) == SQLITE_ROW)
            r = each(statement, userdata);
    return end(ledger, statement, rc, r);
}

static int pass_over(sqlite3_stmt *row, void *userdata)
{
    return 0;
}

int ledger_run(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
               size_t n)
{
    return ledger_each(ledger, statement, values, n, pass_over, NULL);
}

int ledger_run_one(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
                   size_t n)
{
    int r = ledger_run(ledger, statement, values, n);

    return r == 0 && sqlite3_changes(ledger->db) == 0 ? -ENOENT : r;
}

struct found {
    bool any;
    uint64_t number;
};

static int take_first(sqlite3_stmt *row, void *userdata)
{
    struct found *found = userdata;

    if (!found->any)
        *found = (struct found){true, (uint64_t)sqlite3_column_int64(row, 0)};
    return 0;
}

int ledger_get(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
               size_t n, uint64_t *ret)
{
    struct found found = {false, 0};
    int r = ledger_each(ledger, statement, values, n, take_first, &found);

    if (r < 0 || !found.any)
        return r;
    *ret = found.number;
    return 1;
}

struct collection {
    GPtrArray *list;
    void *(*read)(sqlite3_stmt *row);
};

static int collect(sqlite3_stmt *row, void *userdata)
{
    struct collection *collection = userdata;
    void *element = collection->read(row);

    if (element == NULL)
        return -EBADMSG;
    g_ptr_array_add(collection->list, element);
    return 0;
}

GPtrArray *ledger_collect(struct ledger *ledger, enum ledger_statement statement,
                          const struct ledger_value *values, size_t n, void *(*read)(sqlite3_stmt *row),
                          GDestroyNotify free)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(free);
    struct collection collection = {list, read};
    int r = ledger_each(ledger, statement, values, n, collect, &collection);

    if (r < 0) {
        errno = -r;
        return NULL;
    }
    return g_steal_pointer(&list);
}

char *ledger_column_text(sqlite3_stmt *row, int column)
{
    return g_strdup((const char *)sqlite3_column_text(row, column));
}

int ledger_begin(struct ledger *ledger)
{
    return ledger_run(ledger, STATEMENT_BEGIN, NO_VALUES);
}

int ledger_finish(struct ledger *ledger, int r)
{
    if (r == 0)
        r = ledger_run(ledger, STATEMENT_COMMIT, NO_VALUES);
    if (r < 0 && !sqlite3_get_autocommit(ledger->db))
        ledger_run(ledger, STATEMENT_ROLLBACK, NO_VALUES);
    return r;
}
