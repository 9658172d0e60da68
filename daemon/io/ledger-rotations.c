/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rotations: each column is a field of ROTATION_FIELDS, and what a record's change does to the keys. */
#include <errno.h>

#include "daemon/io/ledger-private.h"
#include "daemon/util/text.h"

/* These numbers are on disk: a change of order needs a migration. */
_Static_assert(ROTATION_PLANNED == 0 && ROTATION_DRAINING == 5 && ROTATION_HELD == 13, "states on disk");
_Static_assert(CAUSE_ADD == 0 && CAUSE_COMPROMISED == 3 && CAUSE_REMOVE == 7, "causes on disk");
_Static_assert(ENVIRONMENT_LIVE == 0 && ENVIRONMENT_TEST == 1, "environments on disk");
_Static_assert(MANAGED_BY_API == 0 && MANAGED_BY_DASHBOARD == 1, "managed_by on disk");
_Static_assert(KEY_NEW == 0 && KEY_CURRENT == 1 && KEY_RETIRING == 2 && KEY_GONE == 3, "key states on disk");

static void free_rotation(void *rotation)
{
    rotation_free(rotation);
}

static bool makes_sense(const struct rotation *rotation)
{
    return rotation->rid != NULL && rotation->integration != NULL &&
           rotation->environment < ENVIRONMENT_COUNT && rotation->managed_by <= MANAGED_BY_DASHBOARD &&
           rotation->state <= ROTATION_HELD && rotation->held_from <= ROTATION_HELD &&
           rotation->cause <= CAUSE_REMOVE;
}

static void *read_rotation(sqlite3_stmt *row)
{
    struct rotation *rotation = g_new0(struct rotation, 1);
    char *reason;
    int i = 1; /* column 0 is is_ended */

#define NUM(f) rotation->f = (uint64_t)sqlite3_column_int64(row, i++);
#define FLAG(f) rotation->f = sqlite3_column_int64(row, i++) != 0;
#define TEXT(f) rotation->f = ledger_column_text(row, i++);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    reason = text_printable(rotation->reason, TEXT_MESSAGE_MAX); /* others' words, perhaps */
    g_free(rotation->reason);
    rotation->reason = reason;
    return makes_sense(rotation) ? rotation : rotation_free(rotation);
}

GPtrArray *ledger_load_rotations(struct ledger *ledger)
{
    return ledger_collect(ledger, STATEMENT_LOAD_ROTATIONS, NO_VALUES, read_rotation, free_rotation);
}

static int write_rotation(struct ledger *ledger, const struct rotation *rotation)
{
    const struct ledger_value values[] = {
#define NUM(f) number(rotation->f),
#define FLAG(f) number(rotation->f),
#define TEXT(f) text(rotation->f),
        ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    };

    return ledger_run(ledger, STATEMENT_WRITE_ROTATION, values, G_N_ELEMENTS(values));
}

/* A new key that an earlier attempt left behind was found gone, or there would be no further attempt. */
/* Where the new key's age counts from. One that was created just now is as old as our clock says: HueChat's
 * may go wrong, and then the key would be due too late, or again and again. A person's key is as old as the
 * person or HueChat says. */
static uint64_t age_from(const struct rotation *rotation)
{
    if (rotation->managed_by == MANAGED_BY_API || rotation->new_created_at == 0)
        return rotation->created_at;
    return MIN(rotation->new_created_at, rotation->created_at);
}

static int add_new_key(struct ledger *ledger, const struct rotation *rotation, uint64_t *ret_number)
{
    bool is_ours = rotation->managed_by == MANAGED_BY_API;
    g_autofree char *name = is_ours ? rotation_key_name(rotation) : NULL;
    struct ledger_key key = {
        .integration = rotation->integration,
        .environment = (enum environment)rotation->environment,
        .id = rotation->new_id,
        .last4 = rotation->new_last4,
        .name = name,
        .state = KEY_NEW,
        .created_at = age_from(rotation),
        .permissions = !is_ours                ? NULL
                       : rotation->full_access ? (char *)"full"
                                               : rotation->permissions,
    };
    int r = ledger_run(ledger, STATEMENT_CLOSE_NEW_KEYS, VALUES(text(rotation->integration)));

    return r < 0 ? r : ledger_insert_key(ledger, &key, ret_number);
}

/* Swapping again to the key that is current changes nothing. */
static int swap(struct ledger *ledger, const struct rotation *rotation)
{
    uint64_t state, generation;
    int r = ledger_get(ledger, STATEMENT_READ_KEY_STATE,
                       VALUES(number(rotation->new_key), text(rotation->integration)), &state);

    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    if (state == KEY_CURRENT)
        return 0;
    return ledger_make_current(ledger, rotation->integration, rotation->new_key,
                               rotation->old_dead ? KEY_GONE : KEY_RETIRING, &generation);
}

static int close_key(struct ledger *ledger, uint64_t key)
{
    if (key == 0)
        return 0;
    return ledger_run_one(ledger, STATEMENT_SET_KEY_STATE, VALUES(number(key), number(KEY_GONE)));
}

static int change_keys(struct ledger *ledger, const struct rotation *rotation, enum rotation_change change,
                       uint64_t *new_key)
{
    switch (change) {
    case CHANGE_NONE:
        return 0;
    case CHANGE_NEW_KEY:
        return add_new_key(ledger, rotation, new_key);
    case CHANGE_ADOPT:
        return ledger_run_one(ledger, STATEMENT_ADOPT_KEY,
                              VALUES(number(rotation->old_key), text(rotation->old_id)));
    case CHANGE_SWAP:
        return swap(ledger, rotation);
    case CHANGE_OLD_GONE:
        return close_key(ledger, rotation->old_key);
    case CHANGE_NEW_GONE:
        return close_key(ledger, rotation->new_key);
    }
    return -EINVAL;
}

int ledger_commit_rotation(struct ledger *ledger, struct rotation *rotation, enum rotation_change change,
                           const struct ledger_event *event)
{
    struct rotation record = *rotation; /* its texts stay the caller's */
    int r = ledger_begin(ledger);

    if (r == 0)
        r = ledger_put_management(ledger, record.integration, (enum environment)record.environment);
    if (r == 0)
        r = change_keys(ledger, &record, change, &record.new_key);
    if (r == 0)
        r = write_rotation(ledger, &record);
    if (r == 0)
        r = ledger_append_event(ledger, event);
    r = ledger_finish(ledger, r);
    if (r == 0)
        rotation->new_key = record.new_key;
    return r;
}

int ledger_end_rotation(struct ledger *ledger, const char *rid)
{
    int r = ledger_begin(ledger);

    if (r == 0)
        r = ledger_run_one(ledger, STATEMENT_END_ROTATION, VALUES(text(rid)));
    return ledger_finish(ledger, r);
}
