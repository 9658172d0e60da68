/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings a ledger of any older version up to this one's. A new ledger is one of version 0. */
#include "daemon/io/ledger-private.h"

#include <string.h>

#include "daemon/util/text.h"

static void finalize_p(sqlite3_stmt **statement)
{
    sqlite3_finalize(*statement);
}

int ledger_read_pragma(sqlite3 *db, const char *pragma, int64_t *ret)
{
    __attribute__((cleanup(finalize_p))) sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db, pragma, -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_ERROR : rc;
    *ret = sqlite3_column_int64(statement, 0);
    return SQLITE_OK;
}

static void printable(sqlite3_context *context, int n, sqlite3_value **values)
{
    const char *text = (const char *)sqlite3_value_text(values[0]);

    if (text == NULL || (text_is_printable(text) && strlen(text) <= TEXT_MESSAGE_MAX))
        sqlite3_result_value(context, values[0]);
    else
        sqlite3_result_text(context, text_printable(text, TEXT_MESSAGE_MAX), -1, g_free);
}

int ledger_add_functions(sqlite3 *db)
{
    return sqlite3_create_function_v2(db, "printable", 1,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL, printable,
                                      NULL, NULL, NULL);
}

int ledger_migrate(sqlite3 *db, const char *const *migrations, int version)
{
    g_autofree char *set_version = g_strdup_printf("PRAGMA user_version = %d", version);
    int64_t from;
    int rc = ledger_read_pragma(db, "PRAGMA user_version", &from);

    if (rc != SQLITE_OK || from == version)
        return rc;
    for (int64_t i = from; i < version && rc == SQLITE_OK; i++)
        rc = sqlite3_exec(db, migrations[i], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(db, set_version, NULL, NULL, NULL);
    return rc;
}

static const struct {
    const char *name;
    const char *type;
} rotation_columns[] = {
#define NUM(f) {#f, "INTEGER NOT NULL DEFAULT 0"},
#define FLAG(f) {#f, "INTEGER NOT NULL DEFAULT 0"},
#define TEXT(f) {#f, "TEXT"},
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
};

int ledger_add_rotation_columns(sqlite3 *db)
{
    int rc = SQLITE_OK;

    for (size_t i = 0; i < G_N_ELEMENTS(rotation_columns) && rc == SQLITE_OK; i++) {
        const char *name = rotation_columns[i].name;
        g_autofree char *look =
            g_strdup_printf("SELECT count(*) FROM pragma_table_info('rotations') WHERE name = '%s'", name);
        g_autofree char *add =
            g_strdup_printf("ALTER TABLE rotations ADD COLUMN %s %s", name, rotation_columns[i].type);
        int64_t is_there;

        rc = ledger_read_pragma(db, look, &is_there);
        if (rc == SQLITE_OK && !is_there)
            rc = sqlite3_exec(db, add, NULL, NULL, NULL);
    }
    return rc;
}
