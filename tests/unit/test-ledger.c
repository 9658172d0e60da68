/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the ledger is told comes back from disk, whole or not at all. */
#include <errno.h>
#include <string.h>

#include "tests/unit/ledger-fixture.h"

static const struct ledger_event happened = {.time = 5, .integration = "crm", .event = "tested"};

static uint64_t add_key(struct fixture *f, const char *integration, const char *id, enum key_state state)
{
    struct ledger_key key = {.integration = (char *)integration,
                             .environment = ENVIRONMENT_TEST,
                             .id = (char *)id,
                             .last4 = (char *)"9xyz",
                             .state = state,
                             .created_at = 1000};

    assert_int_equal(ledger_add_key(f->ledger, &key, &happened), 0);
    g_free(key.item);
    return key.number;
}

static struct ledger_key *load_key(struct fixture *f, uint64_t number)
{
    struct ledger_key *key = NULL;

    assert_int_equal(ledger_load_key(f->ledger, number, &key), 0);
    return key;
}

static void assert_key(struct fixture *f, uint64_t number, enum key_state state, uint64_t generation)
{
    struct ledger_key *key = load_key(f, number);

    assert_int_equal(key->state, state);
    assert_int_equal(key->generation, generation);
    ledger_key_free(key);
}

static guint count_keys(struct fixture *f, const char *integration)
{
    g_autoptr(GPtrArray) keys = ledger_load_keys_of(f->ledger, integration);

    assert_non_null(keys);
    return keys->len;
}

static void put_crm(struct fixture *f)
{
    assert_int_equal(ledger_put_integration(f->ledger, "crm", ENVIRONMENT_TEST), 0);
}

static void test_integrations(void **state)
{
    struct fixture *f = *state;
    g_autoptr(GPtrArray) list = NULL;
    const struct ledger_integration *crm;

    put_crm(f);
    put_crm(f);
    assert_int_equal(ledger_put_integration(f->ledger, "crm", ENVIRONMENT_LIVE), -EEXIST);
    assert_int_equal(ledger_set_retry(f->ledger, "crm", 11), 0);
    assert_int_equal(ledger_set_reported(f->ledger, "crm", USEC_INFINITY), 0);
    assert_int_equal(ledger_set_retry(f->ledger, "erp", 11), -ENOENT);
    assert_int_equal(ledger_set_retry(f->ledger, "@live", 12), 0);
    assert_int_equal(ledger_set_retry(f->ledger, "@moon", 12), -ENOENT);
    fixture_reopen(f);
    list = ledger_load_integrations(f->ledger);
    assert_int_equal(list->len, 2);
    crm = list->pdata[1];
    assert_string_equal(crm->name, "crm");
    assert_int_equal(crm->environment, ENVIRONMENT_TEST);
    assert_int_equal(crm->retry_at, 11);
    assert_true(crm->reported_at == USEC_INFINITY);
    assert_null(crm->last_fetched_by);
}

static void test_forget(void **state)
{
    struct fixture *f = *state;
    struct rotation *rotation = rotation_new("00000001", "crm", ENVIRONMENT_TEST, CAUSE_AGE, 1);
    uint64_t before, after;
    g_autoptr(GPtrArray) list = NULL, rotations = NULL;

    put_crm(f);
    before = add_key(f, "crm", "key_a", KEY_CURRENT);
    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, CHANGE_NONE, NULL), 0);
    assert_int_equal(ledger_forget_integration(f->ledger, "crm", &happened), 0);
    assert_int_equal(ledger_forget_integration(f->ledger, "crm", &happened), -ENOENT);
    assert_int_equal(count_keys(f, "crm"), 0);
    assert_int_equal(fixture_count_events(f), 2);
    assert_int_equal(ledger_knows_id(f->ledger, ENVIRONMENT_TEST, "key_a"), 1);
    rotations = ledger_load_rotations(f->ledger);
    assert_int_equal(rotations->len, 0);
    list = ledger_load_integrations(f->ledger);
    assert_int_equal(list->len, 0);

    assert_int_equal(ledger_put_integration(f->ledger, "crm", ENVIRONMENT_LIVE), 0);
    after = add_key(f, "crm", "key_b", KEY_CURRENT);
    assert_key(f, before, KEY_GONE, 1);
    assert_key(f, after, KEY_CURRENT, 2);
    rotation_free(rotation);
}

static void test_keys(void **state)
{
    struct fixture *f = *state;
    uint64_t first, second;
    struct ledger_key *key;

    put_crm(f);
    first = add_key(f, "crm", NULL, KEY_CURRENT);
    second = add_key(f, "crm", "key_b", KEY_CURRENT);
    assert_true(second > first);
    assert_key(f, first, KEY_RETIRING, 1);
    assert_key(f, second, KEY_CURRENT, 2);

    key = load_key(f, first);
    assert_string_equal(key->item, "unknown-9xyz-1");
    key->state = KEY_CURRENT;
    assert_int_equal(ledger_update_key(f->ledger, key, &happened), -EEXIST);
    key->state = KEY_GONE;
    key->id = g_strdup("key_a");
    key->last_used_at = 77;
    assert_int_equal(ledger_update_key(f->ledger, key, &happened), 0);
    key->number = 999;
    assert_int_equal(ledger_update_key(f->ledger, key, &happened), -ENOENT);
    ledger_key_free(key);
    assert_int_equal(fixture_count_events(f), 3);

    key = load_key(f, second);
    g_free(key->permissions);
    key->permissions = g_strnfill(1 << 20, 'x');
    assert_int_equal(ledger_update_key(f->ledger, key, NULL), 0);
    ledger_key_free(key);
    key = load_key(f, second);
    assert_null(key->permissions); /* as if it had never been told */
    ledger_key_free(key);

    fixture_reopen(f);
    key = load_key(f, first);
    assert_string_equal(key->id, "key_a");
    assert_string_equal(key->item, "unknown-9xyz-1");
    assert_int_equal(key->last_used_at, 77);
    ledger_key_free(key);
    assert_int_equal(count_keys(f, "crm"), 1);
    assert_int_equal(ledger_knows_id(f->ledger, ENVIRONMENT_TEST, "key_a"), 1);
    assert_int_equal(ledger_knows_id(f->ledger, ENVIRONMENT_LIVE, "key_a"), 0);
    assert_int_equal(ledger_load_key(f->ledger, 999, &key), -ENOENT);
}

static void test_management_key(void **state)
{
    struct fixture *f = *state;
    struct ledger_key stray = {.integration = (char *)"erp", .last4 = (char *)"9xyz"};
    uint64_t number = add_key(f, "@test", "key_m", KEY_CURRENT);

    assert_key(f, number, KEY_CURRENT, 1);
    assert_int_equal(ledger_add_key(f->ledger, &stray, &happened), -ENOENT);
    assert_int_equal(stray.number, 0);
    assert_null(stray.item);
    assert_int_equal(fixture_count_events(f), 1);
}

/* Every field another value, the largest number among them. */
static void fill(struct rotation *rotation)
{
    uint64_t n = UINT64_MAX;

#define NUM(field) rotation->field = n--;
#define FLAG(field) rotation->field = (n-- & 1) != 0;
#define TEXT(field)                                                                                          \
    g_free(rotation->field);                                                                                 \
    rotation->field = g_strdup_printf("%s 'é' %u", #field, (unsigned)n--);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    g_free(rotation->integration);
    rotation->integration = g_strdup("crm");
    rotation->environment = ENVIRONMENT_TEST;
    rotation->managed_by = MANAGED_BY_DASHBOARD;
    rotation->state = ROTATION_HELD;
    rotation->held_from = ROTATION_DELETED;
    rotation->cause = CAUSE_REMOVE;
}

static void assert_only_rotation(struct fixture *f, const struct rotation *expected)
{
    g_autoptr(GPtrArray) rotations = ledger_load_rotations(f->ledger);

    assert_non_null(rotations);
    assert_int_equal(rotations->len, 1);
    assert_true(rotation_equal(rotations->pdata[0], expected));
}

static void test_rotation_comes_back(void **state)
{
    struct fixture *f = *state;
    struct rotation *rotation = rotation_new("00000001", "crm", ENVIRONMENT_TEST, CAUSE_AGE, 1);
    g_autoptr(GPtrArray) none = NULL;

    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, CHANGE_NONE, NULL), -ENOENT);
    put_crm(f);
    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, CHANGE_NONE, NULL), 0);
    assert_only_rotation(f, rotation);
    assert_int_equal(ledger_end_rotation(f->ledger, rotation->rid), 0);
    assert_int_equal(ledger_end_rotation(f->ledger, "ffffffff"), -ENOENT);
    fill(rotation); /* another rid, too */
    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, CHANGE_NONE, NULL), 0);
    fixture_reopen(f);
    assert_only_rotation(f, rotation);
    rotation->state = ROTATION_DONE;
    g_clear_pointer(&rotation->reason, g_free);
    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, CHANGE_NONE, NULL), 0);
    assert_only_rotation(f, rotation);
    assert_int_equal(ledger_end_rotation(f->ledger, rotation->rid), 0);
    fixture_reopen(f);
    none = ledger_load_rotations(f->ledger);
    assert_int_equal(none->len, 0);
    rotation_free(rotation);
}

static struct rotation *begin_rotation(struct fixture *f, uint64_t old_key)
{
    struct rotation *rotation = rotation_new("7f3a9c21", "crm", ENVIRONMENT_TEST, CAUSE_AGE, 1);

    rotation->old_key = old_key;
    rotation->old_last4 = g_strdup("9xyz");
    rotation->attempt = 2;
    rotation->created_at = 500;
    rotation->new_id = g_strdup("key_new");
    rotation->new_last4 = g_strdup("0abc");
    return rotation;
}

static void commit(struct fixture *f, struct rotation *rotation, enum rotation_change change)
{
    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, change, &happened), 0);
    assert_only_rotation(f, rotation);
}

static void test_rotation_changes_keys(void **state)
{
    struct fixture *f = *state;
    struct rotation *rotation;
    struct ledger_key *key;
    uint64_t old, new;

    put_crm(f);
    old = add_key(f, "crm", NULL, KEY_CURRENT);
    rotation = begin_rotation(f, old);
    rotation->old_id = g_strdup("key_old");
    commit(f, rotation, CHANGE_ADOPT);
    commit(f, rotation, CHANGE_NEW_KEY);
    new = rotation->new_key;
    assert_key(f, new, KEY_NEW, 0);
    key = load_key(f, new);
    assert_string_equal(key->item, "key_new");
    assert_string_equal(key->name, "crm [kt 7f3a9c21.2]");
    assert_string_equal(key->last4, "0abc");
    assert_int_equal(key->created_at, 500);
    ledger_key_free(key);
    key = load_key(f, old);
    assert_string_equal(key->id, "key_old");
    assert_string_equal(key->item, "unknown-9xyz-1");
    ledger_key_free(key);

    commit(f, rotation, CHANGE_SWAP);
    assert_key(f, old, KEY_RETIRING, 1);
    assert_key(f, new, KEY_CURRENT, 2);
    commit(f, rotation, CHANGE_SWAP);
    assert_key(f, new, KEY_CURRENT, 2);
    rotation->old_key = new; /* the second swap, back */
    rotation->new_key = old;
    rotation->swapped_back = true;
    commit(f, rotation, CHANGE_SWAP);
    assert_key(f, old, KEY_CURRENT, 3);
    assert_key(f, new, KEY_RETIRING, 2);
    commit(f, rotation, CHANGE_OLD_GONE);
    assert_key(f, new, KEY_GONE, 2);
    assert_int_equal(count_keys(f, "crm"), 1);
    rotation_free(rotation);
}

static void test_rotation_without_old_key(void **state)
{
    struct fixture *f = *state;
    struct rotation *rotation;
    struct ledger_key *key;
    uint64_t dead, attempt;

    put_crm(f);
    dead = add_key(f, "crm", "key_dead", KEY_CURRENT);
    rotation = begin_rotation(f, dead);
    rotation->old_dead = true;
    commit(f, rotation, CHANGE_NEW_KEY);
    attempt = rotation->new_key;
    g_clear_pointer(&rotation->new_id, g_free);
    rotation->managed_by = MANAGED_BY_DASHBOARD;
    rotation->new_created_at = 400;
    commit(f, rotation, CHANGE_NEW_KEY);
    assert_key(f, attempt, KEY_GONE, 0);
    key = load_key(f, rotation->new_key);
    assert_null(key->id);
    assert_null(key->name);
    assert_string_equal(key->item, "unknown-0abc-3");
    assert_int_equal(key->created_at, 400);
    ledger_key_free(key);
    commit(f, rotation, CHANGE_SWAP);
    assert_key(f, dead, KEY_GONE, 1);
    assert_key(f, rotation->new_key, KEY_CURRENT, 2);
    rotation->old_key = 0;
    commit(f, rotation, CHANGE_OLD_GONE);
    commit(f, rotation, CHANGE_NEW_GONE);
    assert_int_equal(count_keys(f, "crm"), 0);
    rotation_free(rotation);
}

static void test_all_or_nothing(void **state)
{
    static const enum rotation_change changes[] = {CHANGE_ADOPT, CHANGE_SWAP, CHANGE_OLD_GONE,
                                                   CHANGE_NEW_GONE};
    static const struct ledger_event nameless = {.time = 5, .event = "tested"};
    struct fixture *f = *state;
    struct rotation *rotation;
    uint64_t current;

    put_crm(f);
    current = add_key(f, "crm", "key_a", KEY_CURRENT);
    rotation = begin_rotation(f, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        g_autoptr(GPtrArray) rotations = NULL;

        rotation->old_key = rotation->new_key = 999;
        assert_int_equal(ledger_commit_rotation(f->ledger, rotation, changes[i], &happened), -ENOENT);
        rotations = ledger_load_rotations(f->ledger);
        assert_int_equal(rotations->len, 0);
        assert_key(f, current, KEY_CURRENT, 1);
        assert_int_equal(fixture_count_events(f), 1);
    }
    assert_int_equal(ledger_note_event(f->ledger, &nameless), 0);
    assert_int_equal(fixture_count_events(f), 2);
    rotation_free(rotation);
}

static void test_broken_rows(void **state)
{
    struct fixture *f = *state;
    struct rotation *rotation = rotation_new("00000001", "crm", ENVIRONMENT_TEST, CAUSE_AGE, 1);
    g_autoptr(GPtrArray) rotations = NULL;

    put_crm(f);
    assert_int_equal(ledger_commit_rotation(f->ledger, rotation, CHANGE_NONE, NULL), 0);
    fixture_close(f);
    fixture_edit(f, "UPDATE rotations SET state = 14");
    fixture_open(f, LEDGER_FOUND);
    errno = 0;
    rotations = ledger_load_rotations(f->ledger);
    assert_null(rotations);
    assert_int_equal(errno, EBADMSG);
    rotation_free(rotation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_integrations),
        TEST(test_forget),
        TEST(test_keys),
        TEST(test_management_key),
        TEST(test_rotation_comes_back),
        TEST(test_rotation_changes_keys),
        TEST(test_rotation_without_old_key),
        TEST(test_all_or_nothing),
        TEST(test_broken_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
