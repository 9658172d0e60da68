/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who fetched what: one row a holder and generation. */
#include "daemon/io/ledger-private.h"

static void free_holder(void *holder)
{
    holder_free(holder);
}

static void *read_holder(sqlite3_stmt *row)
{
    struct holder *holder = g_new0(struct holder, 1);

    holder->boot_id = ledger_column_text(row, 0);
    holder->unit = ledger_column_text(row, 1);
    holder->invocation_id = ledger_column_text(row, 2);
    holder->pid = (pid_t)sqlite3_column_int64(row, 3);
    holder->start_time = (uint64_t)sqlite3_column_int64(row, 4);
    holder->uid = (uid_t)sqlite3_column_int64(row, 5);
    holder->command = ledger_column_text(row, 6);
    holder->generation = (uint64_t)sqlite3_column_int64(row, 7);
    holder->first_at = (usec_t)sqlite3_column_int64(row, 8);
    holder->last_at = (usec_t)sqlite3_column_int64(row, 9);
    holder->count = (uint64_t)sqlite3_column_int64(row, 10);
    return holder;
}

GPtrArray *ledger_load_holders(struct ledger *ledger, const char *integration)
{
    return ledger_collect(ledger, STATEMENT_LOAD_HOLDERS, VALUES(text(integration)), read_holder,
                          free_holder);
}

/* What holder_is_same() compares, as one text. */
static char *identity_of(const struct holder *holder)
{
    if (holder->unit != NULL && *holder->unit != '\0')
        return g_strdup_printf("%s %s %s", holder->boot_id, holder->unit, holder->invocation_id);
    return g_strdup_printf("%s %d %" G_GUINT64_FORMAT, holder->boot_id, (int)holder->pid, holder->start_time);
}

static int note_fetch(struct ledger *ledger, const struct ledger_fetch *fetch)
{
    const struct holder *h = fetch->holder;
    g_autofree char *identity = identity_of(h), *described = holder_describe(h);
    usec_t first_at = h->first_at != 0 ? h->first_at : h->last_at;
    int r;

    r = ledger_run(ledger, STATEMENT_NOTE_HOLDER,
                   VALUES(text(fetch->integration), text(identity), number(h->generation), words(h->boot_id),
                          words(h->unit), words(h->invocation_id), number((uint64_t)h->pid),
                          number(h->start_time), number(h->uid), words(h->command), number(first_at),
                          number(h->last_at), number(h->count)));
    if (r == 0)
        r = ledger_run(ledger, STATEMENT_DROP_OLDER_HOLDERS,
                       VALUES(text(fetch->integration), text(identity), number(h->generation)));
    if (r == 0)
        r = ledger_run(ledger, STATEMENT_SET_FETCHED,
                       VALUES(text(fetch->integration), number(h->last_at), text(described)));
    return r;
}

int ledger_note_fetches(struct ledger *ledger, const struct ledger_fetch *fetches, size_t n)
{
    int r = ledger_begin(ledger);

    for (size_t i = 0; i < n && r == 0; i++)
        r = note_fetch(ledger, &fetches[i]);
    return ledger_finish(ledger, r);
}

int ledger_drop_holders(struct ledger *ledger, const char *integration, const struct holder *const *holders,
                        size_t n)
{
    int r = ledger_begin(ledger);

    for (size_t i = 0; i < n && r == 0; i++) {
        g_autofree char *identity = identity_of(holders[i]);
        r = ledger_run(ledger, STATEMENT_DROP_HOLDER,
                       VALUES(text(integration), text(identity), number(holders[i]->generation)));
    }
    return ledger_finish(ledger, r);
}
