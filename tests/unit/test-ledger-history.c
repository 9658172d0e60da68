/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened comes back in the order of its times, and no kind of it drives out another. */
#include <string.h>

#include "daemon/io/ledger-private.h"
#include "tests/unit/ledger-fixture.h"

/* Rows of the times 1 to rows. */
#define FILL(table, event, rows)                                                                             \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " rows ")"                     \
    " INSERT INTO " table " (time, integration, event, count)"                                               \
    " SELECT i, '', '" event "', 1 FROM n;"

static void append_event(const struct ledger_event *event, void *userdata)
{
    g_string_append_printf(userdata, "%u %s %s %s %s %s %s %s %u\n", (unsigned)event->time,
                           event->integration, event->event, event->rotation ? event->rotation : "-",
                           event->key_id ? event->key_id : "-", event->last4 ? event->last4 : "-",
                           event->message ? event->message : "-", event->caller ? event->caller : "-",
                           (unsigned)event->count);
}

static void assert_history(struct fixture *f, const char *name, usec_t since, const char *expected)
{
    g_autoptr(GString) found = g_string_new(NULL);

    assert_int_equal(ledger_read_history(f->ledger, name, since, append_event, found), 0);
    assert_string_equal(found->str, expected);
}

#define BARE "8  started - - - - - 1\n"
#define WHOLE "9 crm rotation 7f3a9c21 key_1 9xyz it's done uid 1000 1\n"
#define FETCHED "9 crm fetched - - 9xyz - alice 1\n"
#define REFUSED "10 crm refused - - - by rule uid 1001 3412\n"

static void test_history(void **state)
{
    static const struct ledger_event whole = {.time = 9,
                                              .integration = "crm",
                                              .event = "rotation",
                                              .rotation = "7f3a9c21",
                                              .key_id = "key_1",
                                              .last4 = "9xyz",
                                              .message = "it's done",
                                              .caller = "uid 1000"};
    static const struct ledger_event bare = {.time = 8, .integration = "", .event = "started"};
    static const struct ledger_event fetched = {
        .time = 9, .integration = "crm", .event = "fetched", .last4 = "9xyz", .caller = "alice"};
    static const struct ledger_event refused = {.time = 10,
                                                .integration = "crm",
                                                .event = "refused",
                                                .message = "by rule",
                                                .caller = "uid 1001",
                                                .count = 3412};
    const struct ledger_event *const some[] = {&refused, &fetched};
    struct fixture *f = *state;

    assert_int_equal(ledger_note_events(f->ledger, some, G_N_ELEMENTS(some)), 0);
    assert_int_equal(ledger_note_events(f->ledger, NULL, 0), 0);
    assert_int_equal(ledger_note_event(f->ledger, &whole), 0);
    assert_int_equal(ledger_note_event(f->ledger, &bare), 0);
    fixture_reopen(f);
    assert_history(f, "", 0, BARE WHOLE FETCHED REFUSED);
    assert_history(f, "crm", 0, WHOLE FETCHED REFUSED);
    assert_history(f, "", 9, WHOLE FETCHED REFUSED);
    assert_history(f, "crm", 10, REFUSED);
    assert_history(f, "crm", 11, "");
    assert_history(f, "erp", 0, "");
}

/* One of a transaction can't be written: none is. */
static void test_some_or_none(void **state)
{
    static const struct ledger_event refused = {.time = 1, .integration = "", .event = "refused"};
    static const struct ledger_event fetched = {.time = 1, .integration = "", .event = "fetched"};
    const struct ledger_event *const some[] = {&refused, &fetched};
    struct fixture *f = *state;

    fixture_close(f);
    fixture_edit(f, "CREATE TRIGGER no BEFORE INSERT ON fetches BEGIN SELECT raise(ABORT, 'no'); END");
    fixture_open(f, LEDGER_FOUND);
    assert_true(ledger_note_events(f->ledger, some, G_N_ELEMENTS(some)) < 0);
    assert_history(f, "", 0, "");
    assert_int_equal(ledger_note_event(f->ledger, &refused), 0);
    assert_history(f, "", 0, "1  refused - - - - - 1\n");
}

struct range {
    usec_t first, last;
    unsigned n;
};

struct ranges {
    struct range keys, fetches, refusals;
};

static void widen(const struct ledger_event *event, void *userdata)
{
    struct ranges *ranges = userdata;
    struct range *range = &ranges->keys;

    if (strcmp(event->event, "fetched") == 0)
        range = &ranges->fetches;
    else if (strcmp(event->event, "refused") == 0)
        range = &ranges->refusals;
    if (range->n++ == 0)
        range->first = event->time;
    assert_true(event->time >= range->last);
    range->last = event->time;
}

static void assert_newest(const struct range *range, unsigned n, usec_t newest)
{
    assert_int_equal(range->n, n);
    assert_int_equal(range->first, newest - n + 1);
    assert_int_equal(range->last, newest);
}

/* A flood of refusals and fetches that came after everything else. */
static void test_shares(void **state)
{
    struct fixture *f = *state;
    struct ranges ranges = {0};

    fixture_close(f);
    fixture_edit(f, FILL("history", "rotation", "7000") FILL("fetches", "fetched", "30000")
                        FILL("refusals", "refused", "30000"));
    fixture_open(f, LEDGER_FOUND);
    assert_int_equal(ledger_read_history(f->ledger, "", 0, widen, &ranges), 0);
    assert_int_equal(KEYS_READ + FETCHES_READ + REFUSALS_READ, 10000);
    assert_newest(&ranges.keys, KEYS_READ, 7000);
    assert_newest(&ranges.fetches, FETCHES_READ, 30000);
    assert_newest(&ranges.refusals, REFUSALS_READ, 30000);
}

#define COUNT(table, rows) "INSERT INTO bound SELECT count(*) = " rows " FROM " table ";"
#define CHECK(tests) "CREATE TEMP TABLE bound (ok INTEGER CHECK (ok)); " tests

static void note(struct fixture *f, const char *event)
{
    const struct ledger_event some = {.time = 1, .integration = "", .event = event};

    assert_int_equal(ledger_note_event(f->ledger, &some), 0);
}

/* While it runs, and as it is opened. */
static void test_bounds(void **state)
{
    struct fixture *f = *state;

    note(f, "rotation");
    note(f, "fetched");
    note(f, "refused");
    fixture_close(f);
    fixture_edit(f, FILL("fetches", "fetched", "100500") FILL("refusals", "refused", "99999"));
    fixture_edit(f, CHECK(COUNT("refusals", "100000")));
    fixture_open(f, LEDGER_FOUND);
    for (unsigned i = 0; i < 10; i++)
        note(f, "refused");
    fixture_close(f);
    fixture_edit(f, CHECK(COUNT("fetches", "100000") COUNT("refusals", "100000") COUNT(
                        "history", "1") "INSERT INTO bound SELECT min(number) = 11 FROM refusals"));
}

/* What happened to keys stays: a million entries, by number, since a clock may be wrong. */
static void test_keys_are_kept(void **state)
{
    struct fixture *f = *state;

    note(f, "imported");
    fixture_close(f);
    fixture_edit(f, FILL("history", "rotation", "120000"));
    fixture_open(f, LEDGER_FOUND);
    for (unsigned i = 0; i < 10; i++)
        note(f, "login");
    fixture_close(f);
    fixture_edit(f, CHECK(COUNT("history", "120011")));
    fixture_edit(f, "INSERT INTO history (number, time, integration, event) VALUES (1000001, 1, '', 'late')");
    fixture_reopen(f);
    fixture_close(f);
    fixture_edit(f, CHECK("INSERT INTO bound SELECT min(number) = 2 FROM history"));
}

/* The first released schema had one table for all. */
static void test_rows_of_the_first_version(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    fixture_edit(f, "DROP TABLE fetches; DROP TABLE refusals; DROP INDEX history_by_integration;"
                    "ALTER TABLE history DROP COLUMN count; PRAGMA user_version = 1;"
                    "INSERT INTO history (time, integration, event, last4, message, caller) VALUES"
                    " (1, 'crm', 'imported', '9xyz', NULL, NULL),"
                    " (2, 'crm', 'refused', NULL, 'by rule', 'mallory'),"
                    " (3, 'crm', 'fetched', '9xyz', NULL, 'alice'), (4, '', 'recovered', NULL, NULL, NULL)");
    fixture_open(f, LEDGER_FOUND);
    assert_history(f, "", 0,
                   "1 crm imported - - 9xyz - - 1\n2 crm refused - - - by rule mallory 1\n"
                   "3 crm fetched - - 9xyz - alice 1\n4  recovered - - - - - 1\n");
    fixture_close(f);
    fixture_edit(f, CHECK(COUNT("history", "2") COUNT("fetches", "1") COUNT("refusals", "1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_history), TEST(test_some_or_none),  TEST(test_shares),
        TEST(test_bounds),  TEST(test_keys_are_kept), TEST(test_rows_of_the_first_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
