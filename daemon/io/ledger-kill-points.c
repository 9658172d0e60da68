/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In test builds alone (-Dkill-points=true): a SIGKILL at one transition of the ledger, which the kill sweep
 * names in KEYTURN_KILL_AT, before:N or after:N for the N-th one since the start. */
#include "daemon/io/ledger-kill-points.h"

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define VARIABLE "KEYTURN_KILL_AT"

/* SQLite's own, which goes with its hook. */
#define CHECKPOINT_PAGES 1000

struct kill_point {
    guint64 at;   /* the transition, 1, 2, ...; 0: none */
    bool after;   /* once it is on disk, not just before */
    guint64 seen; /* transitions until now */
    bool counts;  /* this transaction has changed more than who fetched, and the history */
};

/* Fetches are no transitions, and how they are gathered depends on the time: they change an integration's
 * row, and holders, whose table SQLite does not tell of. */
static void on_update(void *userdata, int what, const char *database, const char *table, sqlite3_int64 row)
{
    struct kill_point *point = userdata;

    if (strcmp(table, "rotations") == 0 || strcmp(table, "keys") == 0 ||
        (strcmp(table, "integrations") == 0 && what == SQLITE_INSERT))
        point->counts = true;
}

static bool is_here(const struct kill_point *point, bool after)
{
    return point->counts && point->at != 0 && point->seen == point->at && point->after == after;
}

static int on_commit(void *userdata)
{
    struct kill_point *point = userdata;

    if (point->counts)
        point->seen++;
    if (is_here(point, false))
        raise(SIGKILL);
    return 0;
}

static int on_committed(void *userdata, sqlite3 *db, const char *database, int pages)
{
    struct kill_point *point = userdata;

    if (is_here(point, true))
        raise(SIGKILL);
    point->counts = false;
    return pages < CHECKPOINT_PAGES
               ? SQLITE_OK
               : sqlite3_wal_checkpoint_v2(db, database, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void kill_points_arm(sqlite3 *db)
{
    static struct kill_point point;
    const char *wish = getenv(VARIABLE);

    if (wish == NULL)
        return;
    point.after = g_str_has_prefix(wish, "after:");
    point.at = g_ascii_strtoull(strchr(wish, ':') + 1, NULL, 10);
    point.counts = false;
    sqlite3_update_hook(db, on_update, &point);
    sqlite3_commit_hook(db, on_commit, &point);
    sqlite3_wal_hook(db, on_committed, &point);
}
