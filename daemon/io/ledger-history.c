/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The history: what happened, for people. The newest 100,000 entries are kept. */
#include "daemon/io/ledger-private.h"

int ledger_append_event(struct ledger *ledger, const struct ledger_event *event)
{
    int r;

    if (event == NULL)
        return 0;
    r = ledger_run(ledger, STATEMENT_ADD_EVENT,
                   VALUES(number(event->time), words(event->integration), words(event->event),
                          text(event->rotation), text(event->key_id), text(event->last4),
                          text(event->message), text(event->caller)));
    if (r == 0)
        r = ledger_run(ledger, STATEMENT_TRIM_HISTORY, VALUES(number(HISTORY_BOUND)));
    return r;
}

int ledger_note_event(struct ledger *ledger, const struct ledger_event *event)
{
    int r = ledger_begin(ledger);

    if (r == 0)
        r = ledger_append_event(ledger, event);
    return ledger_finish(ledger, r);
}

struct reader {
    void (*each)(const struct ledger_event *event, void *userdata);
    void *userdata;
};

static const char *column(sqlite3_stmt *row, int i)
{
    return (const char *)sqlite3_column_text(row, i);
}

static int read_event(sqlite3_stmt *row, void *userdata)
{
    const struct reader *reader = userdata;
    struct ledger_event event = {
        .time = (usec_t)sqlite3_column_int64(row, 0),
        .integration = column(row, 1),
        .event = column(row, 2),
        .rotation = column(row, 3),
        .key_id = column(row, 4),
        .last4 = column(row, 5),
        .message = column(row, 6),
        .caller = column(row, 7),
    };

    reader->each(&event, reader->userdata);
    return 0;
}

int ledger_read_history(struct ledger *ledger, const char *integration, usec_t since,
                        void (*each)(const struct ledger_event *event, void *userdata), void *userdata)
{
    struct reader reader = {each, userdata};

    return ledger_each(ledger, STATEMENT_READ_HISTORY,
                       VALUES(text(integration), number(since), number(HISTORY_READ)), read_event, &reader);
}
