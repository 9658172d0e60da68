/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The history: what happened, for people. Three tables, so that nothing that others do washes away what
 * happened to keys: of that a million entries are kept, which is decades, whatever a clock says; of fetches
 * and refusals the newest 100,000 each. */
#include "daemon/io/ledger-private.h"

enum ring {
    RING_KEYS,
    RING_FETCHES,
    RING_REFUSALS,
    RING_COUNT,
};

static const struct {
    enum ledger_statement add, trim;
    uint64_t bound;
} rings[RING_COUNT] = {
    [RING_KEYS] = {STATEMENT_ADD_EVENT, STATEMENT_TRIM_EVENTS, KEYS_BOUND},
    [RING_FETCHES] = {STATEMENT_ADD_FETCH, STATEMENT_TRIM_FETCHES, FETCHES_BOUND},
    [RING_REFUSALS] = {STATEMENT_ADD_REFUSAL, STATEMENT_TRIM_REFUSALS, REFUSALS_BOUND},
};

static enum ring ring_of(const char *event)
{
    if (g_strcmp0(event, "fetched") == 0)
        return RING_FETCHES;
    return g_strcmp0(event, "refused") == 0 ? RING_REFUSALS : RING_KEYS;
}

static int trim(struct ledger *ledger, enum ring ring)
{
    return ledger_run(ledger, rings[ring].trim, VALUES(number(rings[ring].bound)));
}

int ledger_trim_history(struct ledger *ledger)
{
    int r = 0;

    for (int ring = 0; ring < RING_COUNT && r == 0; ring++)
        r = trim(ledger, (enum ring)ring);
    return r;
}

int ledger_append_event(struct ledger *ledger, const struct ledger_event *event)
{
    enum ring ring;
    int r;

    if (event == NULL)
        return 0;
    ring = ring_of(event->event);
    r = ledger_run(ledger, rings[ring].add,
                   VALUES(number(event->time), words(event->integration), words(event->event),
                          text(event->rotation), text(event->key_id), text(event->last4),
                          text(event->message), text(event->caller), number(MAX(event->count, 1))));
    return r == 0 ? trim(ledger, ring) : r;
}

int ledger_note_events(struct ledger *ledger, const struct ledger_event *const *events, size_t n)
{
    int r;

    if (n == 0)
        return 0;
    r = ledger_begin(ledger);
    for (size_t i = 0; i < n && r == 0; i++)
        r = ledger_append_event(ledger, events[i]);
    return ledger_finish(ledger, r);
}

int ledger_note_event(struct ledger *ledger, const struct ledger_event *event)
{
    return ledger_note_events(ledger, &event, 1);
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
        .count = (uint64_t)sqlite3_column_int64(row, 8),
    };

    reader->each(&event, reader->userdata);
    return 0;
}

int ledger_read_history(struct ledger *ledger, const char *integration, usec_t since,
                        void (*each)(const struct ledger_event *event, void *userdata), void *userdata)
{
    struct reader reader = {each, userdata};

    return ledger_each(ledger, *integration != '\0' ? STATEMENT_READ_HISTORY_OF : STATEMENT_READ_HISTORY,
                       VALUES(text(integration), number(since)), read_event, &reader);
}
