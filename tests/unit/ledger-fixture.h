/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A ledger in a folder of its own, for the ledger's tests. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <sqlite3.h>

#include "daemon/io/ledger.h"

struct fixture {
    char *folder;
    char *path;
    struct ledger *ledger;
};

static inline void fixture_open(struct fixture *f, enum ledger_condition expected)
{
    g_autoptr(GError) error = NULL;
    enum ledger_condition condition;

    f->ledger = ledger_open(f->path, &condition, &error);
    if (error != NULL)
        print_error("%s\n", error->message);
    assert_non_null(f->ledger);
    assert_int_equal(condition, expected);
}

static inline void fixture_close(struct fixture *f)
{
    f->ledger = ledger_free(f->ledger);
}

static inline void fixture_reopen(struct fixture *f)
{
    fixture_close(f);
    fixture_open(f, LEDGER_FOUND);
}

/* Does to the file what the ledger would not. It has to be closed. */
static inline void fixture_edit(const struct fixture *f, const char *sql)
{
    sqlite3 *db = NULL;
    char *message = NULL;

    assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_exec(db, sql, NULL, NULL, &message);
    if (message != NULL)
        print_error("%s\n", message);
    assert_null(message);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline void count_event(const struct ledger_event *event, void *userdata)
{
    ++*(unsigned *)userdata;
}

static inline unsigned fixture_count_events(const struct fixture *f)
{
    unsigned n = 0;

    assert_int_equal(ledger_read_history(f->ledger, "", 0, count_event, &n), 0);
    return n;
}

static inline int fixture_setup_closed(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->folder = g_dir_make_tmp("keyturn-ledger-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "ledger.db", NULL);
    *state = f;
    return f->folder != NULL ? 0 : -1;
}

static inline int fixture_setup(void **state)
{
    int r = fixture_setup_closed(state);

    if (r == 0)
        fixture_open(*state, LEDGER_NEW);
    return r;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    GDir *folder;
    const char *name;

    fixture_close(f);
    folder = g_dir_open(f->folder, 0, NULL);
    while (folder != NULL && (name = g_dir_read_name(folder)) != NULL) {
        g_autofree char *path = g_build_filename(f->folder, name, NULL);
        g_remove(path);
    }
    if (folder != NULL)
        g_dir_close(folder);
    g_rmdir(f->folder);
    g_free(f->folder);
    g_free(f->path);
    g_free(f);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)
#define TEST_CLOSED(f) cmocka_unit_test_setup_teardown(f, fixture_setup_closed, fixture_teardown)
