/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger: what a disk would give back after a crash, and the rows of keys. */
#include <errno.h>
#include <string.h>

#include "tests/simulation/simulation.h"

void row_free(void *data)
{
    struct row *row = data;

    g_free(row->id);
    g_free(row->last4);
    g_free(row->name);
    g_free(row);
}

/* Only the fields that are declared to be on disk survive. */
struct rotation *ledger_read(const struct rotation *disk)
{
    struct rotation *r = g_new0(struct rotation, 1);

#define NUM(f) r->f = disk->f;
#define FLAG(f) r->f = disk->f;
#define TEXT(f) r->f = g_strdup(disk->f);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    return r;
}

struct row *ledger_current(const struct app *app)
{
    for (guint i = 0; i < app->rows->len; i++) {
        struct row *row = app->rows->pdata[i];

        if (row->state == ROW_CURRENT)
            return row;
    }
    return NULL;
}

struct row *ledger_row(const struct app *app, uint64_t number)
{
    for (guint i = 0; i < app->rows->len; i++) {
        struct row *row = app->rows->pdata[i];

        if (row->number == number)
            return row;
    }
    return NULL;
}

struct row *ledger_add(struct simulation *s, struct app *app, struct remote *remote, enum row_state state)
{
    struct row *row = g_new0(struct row, 1);

    row->number = ++s->numbers;
    row->remote = remote;
    row->last4 = g_strdup(remote->last4);
    row->state = state;
    row->created_at = simulation_our_time(s);
    if (state == ROW_CURRENT)
        row->generation = ++app->generation;
    g_ptr_array_add(app->rows, row);
    return row;
}

const struct rotation *ledger_rotation(struct simulation *s, const struct app *app)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, s->disk);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct rotation *r = value;

        if (!rotation_is_over(r) && strcmp(r->integration, app->name) == 0)
            return r;
    }
    return NULL;
}

static void close_row(struct simulation *s, struct app *app, uint64_t number)
{
    struct row *row = ledger_row(app, number);

    if (row != NULL)
        row->state = ROW_GONE;
}

static void add_new(struct simulation *s, struct app *app, struct rotation *r)
{
    const struct course *course = simulation_course(s, r->rid);
    struct row *row;

    for (guint i = 0; i < app->rows->len; i++) {
        row = app->rows->pdata[i];
        if (row->state == ROW_NEW)
            row->state = ROW_GONE;
    }
    row = ledger_add(s, app, course->created, ROW_NEW);
    row->id = g_strdup(r->new_id);
    row->name = g_strdup(r->new_name);
    if (row->id != NULL)
        g_hash_table_add(s->known_ids, g_strdup(row->id));
    r->new_key = row->number;
}

static void swap(struct simulation *s, struct app *app, const struct rotation *r)
{
    struct row *old = ledger_current(app), *new = ledger_row(app, r->new_key);

    if (old == new)
        return;
    if (old != NULL)
        old->state = r->old_dead ? ROW_GONE : ROW_RETIRING;
    new->state = ROW_CURRENT;
    new->generation = ++app->generation;
}

static void adopt(struct simulation *s, struct app *app, const struct rotation *r)
{
    struct row *row = ledger_row(app, r->old_key);

    if (row == NULL)
        return;
    g_free(row->id);
    row->id = g_strdup(r->old_id);
    g_hash_table_add(s->known_ids, g_strdup(r->old_id));
}

/* What follows from a rotation that is over, in the same transaction. */
static void conclude(struct simulation *s, struct app *app, const struct rotation *r)
{
    const struct rotation *before = g_hash_table_lookup(s->disk, r->rid);

    if (!rotation_is_over(r) || (before != NULL && rotation_is_over(before)))
        return;
    if (r->again)
        app->again = true;
    if (r->state == ROTATION_ABORTED)
        app->retry_at = usec_add(simulation_our_time(s), USEC_PER_DAY);
}

int ledger_write(struct simulation *s, struct rotation *r, enum rotation_change change)
{
    struct app *app = simulation_app(s, r->integration);

    if (s->now < s->disk_bad_until && app->troubled)
        return -ENOSPC;
    switch (change) {
    case CHANGE_NEW_KEY:
        add_new(s, app, r);
        break;
    case CHANGE_ADOPT:
        adopt(s, app, r);
        break;
    case CHANGE_SWAP:
        swap(s, app, r);
        break;
    case CHANGE_OLD_GONE:
        close_row(s, app, r->old_key);
        break;
    case CHANGE_NEW_GONE:
        close_row(s, app, r->new_key);
        break;
    case CHANGE_NONE:
        break;
    }
    conclude(s, app, r);
    g_hash_table_insert(s->disk, g_strdup(r->rid), ledger_read(r));
    if (r->cause == CAUSE_REMOVE && r->state == ROTATION_DONE)
        ledger_forget(s, app);
    return 0;
}

void ledger_forget(struct simulation *s, struct app *app)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, s->disk);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (strcmp(((struct rotation *)value)->integration, app->name) == 0)
            g_hash_table_iter_remove(&iter);
    for (guint i = 0; i < app->rows->len; i++)
        ((struct row *)app->rows->pdata[i])->state = ROW_GONE;
    app->defined = app->again = false;
}
