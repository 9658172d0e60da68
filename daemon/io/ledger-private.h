/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the ledger's files share: statements, transactions, and the steps of opening. Nobody else includes it,
 * but for the unit test. */
#pragma once

#include <sqlite3.h>

#include "daemon/io/ledger.h"

#define LEDGER_APPLICATION 1265922660 /* "Ktrd", the file's application_id */

/* Rows that are kept, and that are read at once: see ledger-history.c. */
#define KEYS_BOUND 1000000
#define FETCHES_BOUND 100000
#define REFUSALS_BOUND 100000
#define KEYS_READ 6000
#define FETCHES_READ 2000
#define REFUSALS_READ 2000

enum ledger_statement {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_READ_MACHINE,
    STATEMENT_WRITE_MACHINE,
    STATEMENT_LOAD_INTEGRATIONS,
    STATEMENT_LOOK_UP_INTEGRATION,
    STATEMENT_PUT_INTEGRATION,
    STATEMENT_SET_RETRY,
    STATEMENT_SET_REPORTED,
    STATEMENT_SET_FETCHED,
    STATEMENT_NEXT_GENERATION,
    STATEMENT_FORGET_INTEGRATION,
    STATEMENT_FORGET_KEYS,
    STATEMENT_FORGET_ROTATIONS,
    STATEMENT_FORGET_HOLDERS,
    STATEMENT_LOAD_KEYS,
    STATEMENT_LOAD_KEYS_OF,
    STATEMENT_LOAD_KEY,
    STATEMENT_KNOWS_ID,
    STATEMENT_ADD_KEY,
    STATEMENT_NAME_ITEM,
    STATEMENT_UPDATE_KEY,
    STATEMENT_ADOPT_KEY,
    STATEMENT_SET_KEY_STATE,
    STATEMENT_READ_KEY_STATE,
    STATEMENT_CLOSE_NEW_KEYS,
    STATEMENT_RETIRE_CURRENT,
    STATEMENT_MAKE_CURRENT,
    STATEMENT_LOAD_ROTATIONS,
    STATEMENT_WRITE_ROTATION,
    STATEMENT_END_ROTATION,
    STATEMENT_LOAD_HOLDERS,
    STATEMENT_NOTE_HOLDER,
    STATEMENT_DROP_OLDER_HOLDERS,
    STATEMENT_DROP_HOLDER,
    STATEMENT_ADD_EVENT,
    STATEMENT_ADD_FETCH,
    STATEMENT_ADD_REFUSAL,
    STATEMENT_TRIM_EVENTS,
    STATEMENT_TRIM_FETCHES,
    STATEMENT_TRIM_REFUSALS,
    STATEMENT_READ_HISTORY,
    STATEMENT_READ_HISTORY_OF,
    STATEMENT_COUNT,
};

struct ledger {
    sqlite3 *db;
    int lock; /* descriptor of ledger.lock */
    bool is_foreign;
    char machine[33]; /* this machine's id for keyturn */
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* One value that is bound. */
struct ledger_value {
    bool is_text;
    uint64_t number;
    const char *text; /* NULL is NULL */
};

static inline struct ledger_value number(uint64_t value)
{
    return (struct ledger_value){.number = value};
}

static inline struct ledger_value text(const char *value)
{
    return (struct ledger_value){.is_text = true, .text = value};
}

/* For columns that are never NULL. */
static inline struct ledger_value words(const char *value)
{
    return text(value != NULL ? value : "");
}

#define VALUES(...)                                                                                          \
    (const struct ledger_value[]){__VA_ARGS__}, G_N_ELEMENTS(((const struct ledger_value[]){__VA_ARGS__}))
#define NO_VALUES NULL, 0

/* ledger.c. Results are 0 or negative errno. */

/* What a result of SQLite means to the ledger's callers. */
int ledger_errno(sqlite3 *db, int rc);

/* A statement that is expected to give no row. ledger_run_one: -ENOENT if it changed none. */
int ledger_run(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
               size_t n);
int ledger_run_one(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
                   size_t n);

/* The number in the first row's first column: 1; no row: 0. */
int ledger_get(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
               size_t n, uint64_t *ret);

/* Calls each for every row; it returns 0, or negative errno and that is the end. */
typedef int (*ledger_row_fn)(sqlite3_stmt *row, void *userdata);
int ledger_each(struct ledger *ledger, enum ledger_statement statement, const struct ledger_value *values,
                size_t n, ledger_row_fn each, void *userdata);

/* A list with one element of each row; NULL (errno is set) if the disk fails or a row makes no sense: then
 * read has returned NULL. */
GPtrArray *ledger_collect(struct ledger *ledger, enum ledger_statement statement,
                          const struct ledger_value *values, size_t n, void *(*read)(sqlite3_stmt *row),
                          GDestroyNotify free);

/* A column's text; NULL is NULL. The caller frees it (g_free). */
char *ledger_column_text(sqlite3_stmt *row, int column);

int ledger_begin(struct ledger *ledger);
/* Commits if r is 0; else, or if that fails, takes everything back. Returns r, or what failed. */
int ledger_finish(struct ledger *ledger, int r);

/* ledger-sql.c */
extern const char *const ledger_statements[STATEMENT_COUNT];
extern const char *const ledger_migrations[];
extern const int ledger_version;

/* ledger-schema.c. Results are those of SQLite. */

/* What the migrations and statements call: printable(text), see util/text.h; NULL gives NULL. */
int ledger_add_functions(sqlite3 *db);
/* Brings the schema from its user_version up to version, one migration after the other. In a transaction. */
int ledger_migrate(sqlite3 *db, const char *const *migrations, int version);
/* Adds the columns of ROTATION_FIELDS that table rotations lacks. In a transaction. */
int ledger_add_rotation_columns(sqlite3 *db);
int ledger_read_pragma(sqlite3 *db, const char *pragma, int64_t *ret);

/* ledger-file.c. Results are 0 or negative errno. */

/* Takes ledger.lock in folder for as long as the descriptor lives; -EWOULDBLOCK: another has it. */
int ledger_lock(const char *folder, int *ret_fd);
/* Sees to it that path is a file of ours alone, and makes an empty one where there is none. -ELOOP: a
 * symbolic link; -EPERM: somebody else's; -EINVAL: no file. */
int ledger_prepare_file(const char *path, int64_t *ret_size);
/* Renames path and what SQLite keeps beside it to path.damaged-TIME. */
int ledger_set_aside(const char *path, usec_t now);

/* Parts of a transaction. */
int ledger_append_event(struct ledger *ledger, const struct ledger_event *event);
int ledger_trim_history(struct ledger *ledger);
int ledger_put_management(struct ledger *ledger, const char *name, enum environment environment);
int ledger_insert_key(struct ledger *ledger, const struct ledger_key *key, uint64_t *ret_number);
int ledger_make_current(struct ledger *ledger, const char *integration, uint64_t key,
                        enum key_state predecessor, uint64_t *ret_generation);
