/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that the ledger says to SQLite: its schema, version by version, and its statements. */
#include "daemon/io/ledger-private.h"

/* Texts from outside had come in as they were. printable() is of ledger-schema.c; NULL stays NULL. */
static const char printable_texts[] =
    "UPDATE integrations SET last_fetched_by = printable(last_fetched_by)"
    " WHERE last_fetched_by <> printable(last_fetched_by);"
    "UPDATE keys SET id = printable(id), last4 = printable(last4), name = printable(name),"
    " permissions = printable(permissions)"
    " WHERE id <> printable(id) OR last4 <> printable(last4) OR name <> printable(name)"
    " OR permissions <> printable(permissions);"
    "UPDATE OR REPLACE holders SET identity = printable(identity), unit = printable(unit),"
    " invocation_id = printable(invocation_id), command = printable(command)"
    " WHERE identity <> printable(identity) OR unit <> printable(unit)"
    " OR invocation_id <> printable(invocation_id) OR command <> printable(command);"
    "UPDATE history SET integration = printable(integration), key_id = printable(key_id),"
    " last4 = printable(last4), message = printable(message), caller = printable(caller)"
    " WHERE integration <> printable(integration) OR key_id <> printable(key_id) OR last4 <> printable(last4)"
    " OR message <> printable(message) OR caller <> printable(caller);";

#define RING(table)                                                                                          \
    "CREATE TABLE " table " ("                                                                               \
    "  number INTEGER PRIMARY KEY AUTOINCREMENT,"                                                            \
    "  time INTEGER NOT NULL,"                                                                               \
    "  integration TEXT NOT NULL,"                                                                           \
    "  event TEXT NOT NULL,"                                                                                 \
    "  rotation TEXT, key_id TEXT, last4 TEXT, message TEXT, caller TEXT,"                                   \
    "  count INTEGER NOT NULL"                                                                               \
    ") STRICT;"

/* Rows of the history that have a table of their own now. */
#define SORT_OUT(table, word)                                                                                \
    "INSERT INTO " table " (time, integration, event, rotation, key_id, last4, message, caller, count)"      \
    " SELECT time, integration, event, rotation, key_id, last4, message, caller, count"                      \
    " FROM history WHERE event = '" word "' ORDER BY number;"                                                \
    "DELETE FROM history WHERE event = '" word "';"

/* From version N to N + 1. Never changed once released: a new one is added. For a new field of
 * ROTATION_FIELDS an empty one will do, the columns follow that list by themselves. */
const char *const ledger_migrations[] = {
    "PRAGMA application_id = " G_STRINGIFY(
        LEDGER_APPLICATION) ";"
                            "CREATE TABLE machine ("
                            "  row INTEGER PRIMARY KEY CHECK (row = 1),"
                            "  id TEXT NOT NULL"
                            ") STRICT;"
                            "CREATE TABLE integrations ("
                            "  name TEXT PRIMARY KEY NOT NULL,"
                            "  environment INTEGER NOT NULL CHECK (environment BETWEEN 0 AND 1),"
                            "  generation INTEGER NOT NULL DEFAULT 0,"
                            "  last_fetched_at INTEGER NOT NULL DEFAULT 0,"
                            "  last_fetched_by TEXT,"
                            "  retry_at INTEGER NOT NULL DEFAULT 0,"
                            "  reported_at INTEGER NOT NULL DEFAULT 0,"
                            "  is_forgotten INTEGER NOT NULL DEFAULT 0"
                            ") STRICT;"
                            "CREATE TABLE keys ("
                            "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
                            "  integration TEXT NOT NULL REFERENCES integrations(name),"
                            "  environment INTEGER NOT NULL CHECK (environment BETWEEN 0 AND 1),"
                            "  id TEXT,"
                            "  item TEXT NOT NULL,"
                            "  last4 TEXT NOT NULL,"
                            "  name TEXT,"
                            "  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),"
                            "  generation INTEGER NOT NULL,"
                            "  created_at INTEGER NOT NULL,"
                            "  last_used_at INTEGER NOT NULL,"
                            "  permissions TEXT"
                            ") STRICT;"
                            "CREATE INDEX keys_by_id ON keys(environment, id);"
                            "CREATE INDEX keys_by_integration ON keys(integration, state);"
                            "CREATE UNIQUE INDEX one_current_key ON keys(integration) WHERE state = 1;"
                            "CREATE TABLE rotations ("
                            "  rid TEXT PRIMARY KEY NOT NULL,"
                            "  integration TEXT NOT NULL REFERENCES integrations(name),"
                            "  is_ended INTEGER NOT NULL DEFAULT 0"
                            ") STRICT;"
                            "CREATE INDEX rotations_under_way ON rotations(integration) WHERE is_ended = 0;"
                            "CREATE TABLE holders ("
                            "  integration TEXT NOT NULL REFERENCES integrations(name),"
                            "  identity TEXT NOT NULL,"
                            "  generation INTEGER NOT NULL,"
                            "  boot_id TEXT NOT NULL,"
                            "  unit TEXT NOT NULL,"
                            "  invocation_id TEXT NOT NULL,"
                            "  pid INTEGER NOT NULL,"
                            "  start_time INTEGER NOT NULL,"
                            "  uid INTEGER NOT NULL,"
                            "  command TEXT NOT NULL,"
                            "  first_at INTEGER NOT NULL,"
                            "  last_at INTEGER NOT NULL,"
                            "  count INTEGER NOT NULL,"
                            "  PRIMARY KEY (integration, identity, generation)"
                            ") STRICT, WITHOUT ROWID;"
                            "CREATE TABLE history ("
                            "  number INTEGER PRIMARY KEY AUTOINCREMENT,"
                            "  time INTEGER NOT NULL,"
                            "  integration TEXT NOT NULL,"
                            "  event TEXT NOT NULL,"
                            "  rotation TEXT, key_id TEXT, last4 TEXT, message TEXT, caller TEXT"
                            ") STRICT;",
    printable_texts,

    "ALTER TABLE history ADD COLUMN count INTEGER NOT NULL DEFAULT 1;"
    "CREATE INDEX history_by_integration ON history(integration);" RING("fetches") RING("refusals")
        SORT_OUT("fetches", "fetched") SORT_OUT("refusals", "refused"),
};

const int ledger_version = G_N_ELEMENTS(ledger_migrations);

#define KEY_COLUMNS                                                                                          \
    "number, integration, environment, id, item, last4, name, state, generation, created_at, last_used_at, " \
    "permissions"
#define EVENT_COLUMNS "time, integration, event, rotation, key_id, last4, message, caller, count"
#define ADD_TO(table)                                                                                        \
    "INSERT INTO " table " (" EVENT_COLUMNS ") VALUES (?, printable(?), ?, ?, printable(?),"                 \
    " printable(?), printable(?), printable(?), ?)"
#define TRIM(table) "DELETE FROM " table " WHERE number <= (SELECT max(number) FROM " table ") - ?"

/* place: among entries of the same time. */
#define NEWEST(table, place, share, filter)                                                                  \
    "SELECT * FROM (SELECT " EVENT_COLUMNS ", " place " AS place, number FROM " table " WHERE " filter       \
    "time >= ?2 ORDER BY number DESC LIMIT " G_STRINGIFY(share) ")"
#define READ_NEWEST(filter)                                                                                  \
    "SELECT time, printable(integration), event, rotation, printable(key_id), printable(last4),"             \
    " printable(message), printable(caller), count FROM (" NEWEST(                                           \
        "history", "0", KEYS_READ,                                                                           \
        filter) " UNION ALL " NEWEST("fetches", "1", FETCHES_READ,                                           \
                                     filter) " UNION ALL " NEWEST("refusals", "2", REFUSALS_READ,            \
                                                                  filter) ") ORDER BY time, place, number"

/* Every piece begins with a comma. */
#define NAME(f) ", " #f
#define PLACE(f) ", ?"
#define UPDATE(f) ", " #f " = excluded." #f
#define NAMES ROTATION_FIELDS(NAME, NAME, NAME)
#define PLACES ROTATION_FIELDS(PLACE, PLACE, PLACE)
#define UPDATES ROTATION_FIELDS(UPDATE, UPDATE, UPDATE)

const char *const ledger_statements[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",

    [STATEMENT_READ_MACHINE] = "SELECT id = ? FROM machine",
    [STATEMENT_WRITE_MACHINE] = "INSERT OR REPLACE INTO machine (row, id) VALUES (1, ?)",

    [STATEMENT_LOAD_INTEGRATIONS] =
        "SELECT name, environment, last_fetched_at, printable(last_fetched_by), retry_at, reported_at"
        " FROM integrations WHERE NOT is_forgotten ORDER BY name",
    [STATEMENT_LOOK_UP_INTEGRATION] =
        "SELECT environment FROM integrations WHERE name = ? AND NOT is_forgotten",
    [STATEMENT_PUT_INTEGRATION] =
        "INSERT INTO integrations (name, environment) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET"
        " environment = excluded.environment, last_fetched_at = 0, last_fetched_by = NULL, retry_at = 0,"
        " reported_at = 0, is_forgotten = 0 WHERE is_forgotten",
    [STATEMENT_SET_RETRY] = "UPDATE integrations SET retry_at = ?2 WHERE name = ?1 AND NOT is_forgotten",
    [STATEMENT_SET_REPORTED] =
        "UPDATE integrations SET reported_at = ?2 WHERE name = ?1 AND NOT is_forgotten",
    [STATEMENT_SET_FETCHED] = "UPDATE integrations SET last_fetched_at = ?2, last_fetched_by = ?3"
                              " WHERE name = ?1 AND last_fetched_at <= ?2 AND NOT is_forgotten",
    [STATEMENT_NEXT_GENERATION] =
        "UPDATE integrations SET generation = generation + 1 WHERE name = ? RETURNING generation",
    [STATEMENT_FORGET_INTEGRATION] =
        "UPDATE integrations SET is_forgotten = 1 WHERE name = ? AND NOT is_forgotten",
    [STATEMENT_FORGET_KEYS] = "UPDATE keys SET state = 3 WHERE integration = ?",
    [STATEMENT_FORGET_ROTATIONS] = "UPDATE rotations SET is_ended = 1 WHERE integration = ? AND is_ended = 0",
    [STATEMENT_FORGET_HOLDERS] = "DELETE FROM holders WHERE integration = ?",

    [STATEMENT_LOAD_KEYS] = "SELECT " KEY_COLUMNS " FROM keys WHERE state <> 3 ORDER BY number",
    [STATEMENT_LOAD_KEYS_OF] =
        "SELECT " KEY_COLUMNS " FROM keys WHERE integration = ? AND state <> 3 ORDER BY number",
    [STATEMENT_LOAD_KEY] = "SELECT " KEY_COLUMNS " FROM keys WHERE number = ?",
    [STATEMENT_KNOWS_ID] = "SELECT 1 FROM keys WHERE environment = ? AND id = ? LIMIT 1",
    [STATEMENT_ADD_KEY] =
        "INSERT INTO keys (integration, environment, id, item, last4, name, state, generation, created_at,"
        " last_used_at, permissions) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING number",
    [STATEMENT_NAME_ITEM] = "UPDATE keys SET item = ?2 WHERE number = ?1",
    [STATEMENT_UPDATE_KEY] = "UPDATE keys SET id = ?2, item = ?3, state = ?4, created_at = ?5, last_used_at "
                             "= ?6, permissions = ?7 WHERE number = ?1",
    [STATEMENT_ADOPT_KEY] = "UPDATE keys SET id = ?2 WHERE number = ?1",
    [STATEMENT_SET_KEY_STATE] = "UPDATE keys SET state = ?2 WHERE number = ?1",
    [STATEMENT_READ_KEY_STATE] = "SELECT state FROM keys WHERE number = ? AND integration = ?",
    [STATEMENT_CLOSE_NEW_KEYS] = "UPDATE keys SET state = 3 WHERE integration = ? AND state = 0",
    [STATEMENT_RETIRE_CURRENT] = "UPDATE keys SET state = ?2 WHERE integration = ?1 AND state = 1",
    [STATEMENT_MAKE_CURRENT] = "UPDATE keys SET state = 1, generation = ?2 WHERE number = ?1",

    [STATEMENT_LOAD_ROTATIONS] =
        "SELECT is_ended" NAMES " FROM rotations WHERE is_ended = 0 ORDER BY started_at, rid",
    [STATEMENT_WRITE_ROTATION] = "INSERT INTO rotations (is_ended" NAMES ") VALUES (0" PLACES
                                 ") ON CONFLICT (rid) DO UPDATE SET is_ended = is_ended" UPDATES,
    [STATEMENT_END_ROTATION] = "UPDATE rotations SET is_ended = 1 WHERE rid = ?",

    [STATEMENT_LOAD_HOLDERS] =
        "SELECT boot_id, printable(unit), printable(invocation_id), pid, start_time, uid, printable(command),"
        " generation, first_at, last_at, count FROM holders WHERE integration = ? ORDER BY first_at, "
        "identity",
    [STATEMENT_NOTE_HOLDER] =
        "INSERT INTO holders (integration, identity, generation, boot_id, unit, invocation_id, pid,"
        " start_time, uid, command, first_at, last_at, count)"
        " SELECT name, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13"
        " FROM integrations WHERE name = ?1 AND NOT is_forgotten"
        " ON CONFLICT (integration, identity, generation) DO UPDATE SET pid = excluded.pid,"
        " uid = excluded.uid, command = excluded.command, last_at = max(last_at, excluded.last_at),"
        " count = count + excluded.count",
    [STATEMENT_DROP_OLDER_HOLDERS] =
        "DELETE FROM holders WHERE integration = ? AND identity = ? AND generation < ?",
    [STATEMENT_DROP_HOLDER] = "DELETE FROM holders WHERE integration = ? AND identity = ? AND generation = ?",

    [STATEMENT_ADD_EVENT] = ADD_TO("history"),
    [STATEMENT_ADD_FETCH] = ADD_TO("fetches"),
    [STATEMENT_ADD_REFUSAL] = ADD_TO("refusals"),
    [STATEMENT_TRIM_EVENTS] = TRIM("history"),
    [STATEMENT_TRIM_FETCHES] = TRIM("fetches"),
    [STATEMENT_TRIM_REFUSALS] = TRIM("refusals"),
    [STATEMENT_READ_HISTORY] = READ_NEWEST(""),
    [STATEMENT_READ_HISTORY_OF] = READ_NEWEST("integration = ?1 AND "),
};
