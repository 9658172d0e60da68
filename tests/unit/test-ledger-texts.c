/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts from outside that an older keyturn wrote down as they came. */
#include "tests/unit/ledger-records.h"

#include "daemon/io/ledger-private.h"

/* Bytes in SQL. */
#define ODD(hex) "CAST(x'" hex "' AS TEXT)"
#define CUT ODD("616263c3")      /* "abc", and half a character */
#define ESCAPE ODD("1b5d303b78") /* ESC ] 0 ; x */

/* As if the migrations had never been. */
static const char older[] =
    "PRAGMA user_version = 1;"
    "DROP INDEX history_by_integration; ALTER TABLE history DROP COLUMN count;"
    "DROP TABLE fetches; DROP TABLE refusals;"
    "INSERT INTO integrations (name, environment, last_fetched_by) VALUES ('crm', 1, " CUT ");"
    "INSERT INTO integrations (name, environment, last_fetched_by) VALUES ('erp', 1, 'as it was');"
    "INSERT INTO keys (integration, environment, id, item, last4, name, state, generation, created_at, "
    "last_used_at,"
    " permissions) VALUES ('crm', 1, " ESCAPE ", " ESCAPE ", " CUT ", " ESCAPE ", 1, 1, 5, 0, " CUT ");"
    "INSERT INTO holders VALUES ('crm', " CUT ", 1, 'b', " CUT ", " ESCAPE ", 7, 8, 9, " CUT ", 1, 2, 3);"
    "INSERT INTO holders VALUES ('crm', 'b 8 9', 1, 'b', '', '', 8, 9, 9, 'python3', 2, 2, 1);"
    "INSERT INTO history (time, integration, event, key_id, last4, message, caller)"
    " VALUES (5, " ESCAPE ", 'refused', " ESCAPE ", " CUT ", " ESCAPE ", " CUT ");"
    "INSERT INTO history (time, integration, event) VALUES (6, 'crm', 'bare');";

#define CUT_SHOWN "abc\\xc3"
#define ESCAPE_SHOWN "\\x1b]0;x"

static void append_event(const struct ledger_event *event, void *userdata)
{
    g_string_append_printf(userdata, "%s %s %s %s %s %s\n", event->integration, event->event, event->key_id,
                           event->last4, event->message, event->caller);
}

static void assert_history(struct fixture *f, const char *expected)
{
    g_autoptr(GString) found = g_string_new(NULL);

    assert_int_equal(ledger_read_history(f->ledger, "", 0, append_event, found), 0);
    assert_string_equal(found->str, expected);
}

static void assert_healed(struct fixture *f)
{
    g_autoptr(GPtrArray) integrations = ledger_load_integrations(f->ledger),
                         keys = ledger_load_keys(f->ledger), holders = ledger_load_holders(f->ledger, "crm");
    const struct ledger_integration *crm = integrations->pdata[0], *erp = integrations->pdata[1];
    const struct ledger_key *key = keys->pdata[0];
    const struct holder *odd = holders->pdata[0], *other = holders->pdata[1];

    assert_string_equal(crm->last_fetched_by, CUT_SHOWN);
    assert_string_equal(erp->last_fetched_by, "as it was");
    assert_string_equal(key->id, ESCAPE_SHOWN);
    assert_string_equal(key->item, "\x1b]0;x"); /* the keyring knows it so */
    assert_string_equal(key->last4, CUT_SHOWN);
    assert_string_equal(key->name, ESCAPE_SHOWN);
    assert_string_equal(key->permissions, CUT_SHOWN);
    assert_string_equal(odd->unit, CUT_SHOWN);
    assert_string_equal(odd->invocation_id, ESCAPE_SHOWN);
    assert_string_equal(odd->command, CUT_SHOWN);
    assert_int_equal(odd->count, 3);
    assert_string_equal(other->command, "python3");
    assert_history(f, ESCAPE_SHOWN " refused " ESCAPE_SHOWN " " CUT_SHOWN " " ESCAPE_SHOWN " " CUT_SHOWN
                                   "\ncrm bare (null) (null) (null) (null)\n");
}

static void assert_none_is_odd(struct fixture *f)
{
    fixture_edit(
        f, "CREATE TEMP TABLE odd (n INTEGER CHECK (n = 0));"
           "INSERT INTO odd SELECT count(*) FROM history WHERE instr(message, char(27)) > 0;"
           "INSERT INTO odd SELECT count(*) FROM holders WHERE instr(CAST(command AS BLOB), x'c3') > 0;"
           "INSERT INTO odd SELECT count(*) FROM holders WHERE instr(CAST(identity AS BLOB), x'c3') > 0");
}

static void test_heals(void **state)
{
    struct fixture *f = *state;

    fixture_close(f);
    fixture_edit(f, older);
    fixture_open(f, LEDGER_FOUND);
    assert_healed(f);
    fixture_close(f);
    assert_none_is_odd(f);
    fixture_open(f, LEDGER_FOUND);
    assert_healed(f);
}

/* Rows of a hand that went past the migration. */
static void test_reads_what_is_odd(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GPtrArray) integrations = NULL, holders = NULL, rotations = NULL;

    put_crm(f);
    assert_int_equal(commit_record(f->ledger, 1), 0);
    fixture_close(f);
    fixture_edit(f, "UPDATE integrations SET last_fetched_by = " CUT "; UPDATE rotations SET reason = " ESCAPE
                    ";"
                    "UPDATE history SET message = " ESCAPE ", caller = " CUT ";"
                    "INSERT INTO holders VALUES ('crm', 'i', 1, 'b', '', '', 7, 8, 9, " CUT ", 1, 2, 3)");
    fixture_open(f, LEDGER_FOUND);
    integrations = ledger_load_integrations(f->ledger);
    holders = ledger_load_holders(f->ledger, "crm");
    rotations = ledger_load_rotations(f->ledger);
    assert_string_equal(((struct ledger_integration *)integrations->pdata[0])->last_fetched_by, CUT_SHOWN);
    assert_string_equal(((struct holder *)holders->pdata[0])->command, CUT_SHOWN);
    assert_string_equal(((struct rotation *)rotations->pdata[0])->reason, ESCAPE_SHOWN);
    assert_history(f, "crm rotation (null) (null) " ESCAPE_SHOWN " " CUT_SHOWN "\n");
}

static void test_writes_nothing_odd(void **state)
{
    struct fixture *f = *state;
    g_autofree char *many = g_strnfill(5000, 'x');
    g_autoptr(GString) found = g_string_new(NULL);
    const struct ledger_event event = {
        .time = 1, .integration = "\x1b", .event = "refused", .message = "a\nb\xff", .caller = "\xc2\x9b"};
    const struct ledger_event longer = {.time = 2, .integration = "crm", .event = "refused", .message = many};

    assert_int_equal(ledger_note_event(f->ledger, &event), 0);
    assert_history(f, "\\x1b refused (null) (null) a\\x0ab\\xff \\xc2\\x9b\n");
    fixture_close(f);
    assert_none_is_odd(f);
    fixture_open(f, LEDGER_FOUND);
    assert_int_equal(ledger_note_event(f->ledger, &longer), 0);
    assert_int_equal(ledger_read_history(f->ledger, "crm", 0, append_event, found), 0);
    assert_true(found->len < 4500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_heals),
        TEST(test_reads_what_is_odd),
        TEST(test_writes_nothing_odd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
