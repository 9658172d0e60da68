/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys. A row is never deleted: its number and HueChat's id stay taken. */
#include <errno.h>

#include "daemon/io/ledger-private.h"

#define PERMISSIONS_BYTES_MAX (64 * 65) /* of what HueChat is asked for, joined */

struct ledger_key *ledger_key_copy(const struct ledger_key *key)
{
    struct ledger_key *copy = g_memdup2(key, sizeof *key);

    copy->integration = g_strdup(key->integration);
    copy->id = g_strdup(key->id);
    copy->item = g_strdup(key->item);
    copy->last4 = g_strdup(key->last4);
    copy->name = g_strdup(key->name);
    copy->permissions = g_strdup(key->permissions);
    return copy;
}

struct ledger_key *ledger_key_free(struct ledger_key *key)
{
    if (key == NULL)
        return NULL;
    g_free(key->integration);
    g_free(key->id);
    g_free(key->item);
    g_free(key->last4);
    g_free(key->name);
    g_free(key->permissions);
    g_free(key);
    return NULL;
}

char *ledger_key_item(const char *id, const char *last4, uint64_t key)
{
    if (id != NULL)
        return g_strdup(id);
    return g_strdup_printf("unknown-%s-%" G_GUINT64_FORMAT, last4, key);
}

static void free_key(void *key)
{
    ledger_key_free(key);
}

/* What no HueChat gives was written by somebody else, and would be told on the bus: it counts as not told. */
static char *read_permissions(sqlite3_stmt *row, int column)
{
    return sqlite3_column_bytes(row, column) <= PERMISSIONS_BYTES_MAX ? ledger_column_text(row, column)
                                                                      : NULL;
}

static void *read_key(sqlite3_stmt *row)
{
    struct ledger_key *key = g_new0(struct ledger_key, 1);

    key->number = (uint64_t)sqlite3_column_int64(row, 0);
    key->integration = ledger_column_text(row, 1);
    key->environment = (enum environment)sqlite3_column_int(row, 2);
    key->id = ledger_column_text(row, 3);
    key->item = ledger_column_text(row, 4);
    key->last4 = ledger_column_text(row, 5);
    key->name = ledger_column_text(row, 6);
    key->state = (enum key_state)sqlite3_column_int(row, 7);
    key->generation = (uint64_t)sqlite3_column_int64(row, 8);
    key->created_at = (usec_t)sqlite3_column_int64(row, 9);
    key->last_used_at = (usec_t)sqlite3_column_int64(row, 10);
    key->permissions = read_permissions(row, 11);
    return key;
}

GPtrArray *ledger_load_keys(struct ledger *ledger)
{
    return ledger_collect(ledger, STATEMENT_LOAD_KEYS, NO_VALUES, read_key, free_key);
}

GPtrArray *ledger_load_keys_of(struct ledger *ledger, const char *integration)
{
    return ledger_collect(ledger, STATEMENT_LOAD_KEYS_OF, VALUES(text(integration)), read_key, free_key);
}

int ledger_load_key(struct ledger *ledger, uint64_t key, struct ledger_key **ret)
{
    g_autoptr(GPtrArray) keys =
        ledger_collect(ledger, STATEMENT_LOAD_KEY, VALUES(number(key)), read_key, free_key);

    if (keys == NULL)
        return -errno;
    if (keys->len == 0)
        return -ENOENT;
    *ret = ledger_key_copy(keys->pdata[0]);
    return 0;
}

int ledger_knows_id(struct ledger *ledger, enum environment environment, const char *id)
{
    uint64_t one;

    return ledger_get(ledger, STATEMENT_KNOWS_ID, VALUES(number(environment), text(id)), &one);
}

int ledger_insert_key(struct ledger *ledger, const struct ledger_key *key, uint64_t *ret_number)
{
    g_autofree char *item = NULL;
    uint64_t new = 0;
    int r;

    r = ledger_get(ledger, STATEMENT_ADD_KEY,
                   VALUES(text(key->integration), number(key->environment), text(key->id), words(key->item),
                          text(key->last4), text(key->name), number(key->state), number(key->generation),
                          number(key->created_at), number(key->last_used_at), text(key->permissions)),
                   &new);
    if (r < 0)
        return r;
    item = ledger_key_item(key->id, key->last4, new);
    if (key->item == NULL)
        r = ledger_run(ledger, STATEMENT_NAME_ITEM, VALUES(number(new), text(item)));
    else
        r = 0;
    if (r == 0)
        *ret_number = new;
    return r;
}

int ledger_make_current(struct ledger *ledger, const char *integration, uint64_t key,
                        enum key_state predecessor, uint64_t *ret_generation)
{
    uint64_t generation;
    int r = ledger_get(ledger, STATEMENT_NEXT_GENERATION, VALUES(text(integration)), &generation);

    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    r = ledger_run(ledger, STATEMENT_RETIRE_CURRENT, VALUES(text(integration), number(predecessor)));
    if (r == 0)
        r = ledger_run_one(ledger, STATEMENT_MAKE_CURRENT, VALUES(number(key), number(generation)));
    if (r == 0)
        *ret_generation = generation;
    return r;
}

/* It is inserted as new and then made current, so that there is never more than one. */
static int add_key(struct ledger *ledger, const struct ledger_key *key, uint64_t *ret_number,
                   uint64_t *ret_generation)
{
    bool is_current = key->state == KEY_CURRENT;
    struct ledger_key row = *key;
    int r;

    if (is_current)
        row.state = KEY_NEW;
    r = ledger_put_management(ledger, key->integration, key->environment);
    if (r == 0)
        r = ledger_insert_key(ledger, &row, ret_number);
    if (r == 0 && is_current)
        r = ledger_make_current(ledger, key->integration, *ret_number, KEY_RETIRING, ret_generation);
    return r;
}

int ledger_add_key(struct ledger *ledger, struct ledger_key *key, const struct ledger_event *event)
{
    uint64_t new = 0, generation = key->generation;
    int r = ledger_begin(ledger);

    if (r == 0)
        r = add_key(ledger, key, &new, &generation);
    if (r == 0)
        r = ledger_append_event(ledger, event);
    r = ledger_finish(ledger, r);
    if (r < 0)
        return r;
    key->number = new;
    key->generation = generation;
    if (key->item == NULL)
        key->item = ledger_key_item(key->id, key->last4, new);
    return 0;
}

int ledger_update_key(struct ledger *ledger, const struct ledger_key *key, const struct ledger_event *event)
{
    int r = ledger_begin(ledger);

    if (r == 0)
        r = ledger_run_one(ledger, STATEMENT_UPDATE_KEY,
                           VALUES(number(key->number), text(key->id), text(key->item), number(key->state),
                                  number(key->created_at), number(key->last_used_at),
                                  text(key->permissions)));
    if (r == 0)
        r = ledger_append_event(ledger, event);
    return ledger_finish(ledger, r);
}
