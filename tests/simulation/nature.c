/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What nobody decides: crashes, sleep, clocks that leap, a keyring that is locked or loses things, a full
 * disk, a management key that is gone; and how it all begins. */
#include <string.h>

#include "tests/simulation/people.h"

static void again_in(struct simulation *s, void (*fn)(struct simulation *, struct happening *), usec_t most)
{
    if (!s->calm)
        simulation_plan(s, chance_span(&s->chance, USEC_PER_MINUTE, most), fn, NULL);
}

static void crash(struct simulation *s, struct happening *h)
{
    if (s->process != NULL && !s->calm)
        process_crash(s);
    again_in(s, crash, 40 * USEC_PER_DAY);
}

static void tick(struct simulation *s, struct happening *h)
{
    if (process_is_up(s))
        rotator_tick(s->process->rotator);
}

static int64_t leap_of(struct simulation *s)
{
    int64_t span = (int64_t)chance_span(&s->chance, USEC_PER_SEC, 60 * USEC_PER_DAY);

    return chance_of(&s->chance, 500) ? span : -span;
}

/* No clock leaps between a create and its late commit: its late listings would come too early. */
static void leap(struct simulation *s, struct happening *h)
{
    bool its = chance_of(&s->chance, 400);

    if (s->ghosts == 0 && !s->calm) {
        *(its ? &s->its_offset : &s->our_offset) += leap_of(s);
        *(its ? &s->its_leaps : &s->our_leaps) += 1;
        simulation_excuse_all(s);
        simulation_plan(s, chance_below(&s->chance, 15 * USEC_PER_MINUTE), tick, NULL);
    }
    again_in(s, leap, 200 * USEC_PER_DAY);
}

static void wake_up(struct simulation *s, struct happening *h)
{
    simulation_excuse_all(s);
    if (process_is_up(s))
        rotator_wake(s->process->rotator);
}

static void fall_asleep(struct simulation *s, struct happening *h)
{
    usec_t span = chance_span(&s->chance, USEC_PER_SEC, 10 * USEC_PER_DAY);

    if (!s->calm && s->now >= s->asleep_until) {
        s->asleep_until = usec_add(s->now, span);
        simulation_plan(s, span, wake_up, NULL);
    }
    again_in(s, fall_asleep, 60 * USEC_PER_DAY);
}

/* A backup is restored elsewhere, say; a person says so when it is held. */
static void move_house(struct simulation *s, struct happening *h)
{
    if (s->process != NULL && !s->calm) {
        s->foreign = true;
        process_crash(s);
    }
    again_in(s, move_house, 300 * USEC_PER_DAY);
}

static void unlock(struct simulation *s, struct happening *h)
{
    s->keyring_locked = false;
    simulation_excuse_all(s);
    if (process_is_up(s))
        rotator_wake(s->process->rotator);
}

static void lock(struct simulation *s, struct happening *h)
{
    if (!s->calm && !s->keyring_locked) {
        s->keyring_locked = true;
        simulation_excuse_all(s);
        simulation_plan(s, chance_span(&s->chance, USEC_PER_SEC, 2 * USEC_PER_DAY), unlock, NULL);
    }
    again_in(s, lock, 60 * USEC_PER_DAY);
}

static struct app *somebody_in_trouble(struct simulation *s)
{
    struct app *app = &s->apps[FIRST_MANAGED + chance_below(&s->chance, s->n_apps - FIRST_MANAGED)];

    return app->troubled ? app : NULL;
}

static void lose(struct simulation *s, struct happening *h)
{
    struct app *app = somebody_in_trouble(s);
    struct row *row =
        app != NULL && app->rows->len > 0
            ? app->rows->pdata[app->rows->len - 1 - chance_below(&s->chance, MIN(2, app->rows->len))]
            : NULL;

    if (row != NULL && !s->calm && g_hash_table_remove(s->keyring, &row->number)) {
        row->lost = true;
        simulation_trace(s, app, "the keyring loses key %u", (unsigned)row->number);
    }
    again_in(s, lose, 60 * USEC_PER_DAY);
}

static void fill(struct simulation *s, struct happening *h)
{
    if (!s->calm)
        s->disk_bad_until = usec_add(s->now, chance_span(&s->chance, USEC_PER_SEC, 6 * USEC_PER_HOUR));
    again_in(s, fill, 30 * USEC_PER_DAY);
}

/* A person stores another management key; a rotation of the last one is rolled back first. */
void nature_log_in(struct simulation *s, struct app *app)
{
    const struct rotation *r = ledger_rotation(s, app);
    struct row *old = ledger_current(app), *new;
    struct remote *remote;

    if (!process_is_up(s) || s->keyring_locked)
        return;
    if (r != NULL && !rotation_is_swapped(r) && r->state != ROTATION_ROLLING_BACK) {
        people_say(s, app, EVENT_ROLLBACK);
        return;
    }
    remote = huechat_make(s, app, "management", ORIGIN_PERSON);
    if (old != NULL) {
        old->state = ROW_GONE;
        g_hash_table_remove(s->keyring, &old->number);
    }
    new = ledger_add(s, app, remote, ROW_CURRENT);
    new->id = g_strdup(remote->id);
    g_hash_table_add(s->known_ids, g_strdup(remote->id));
    g_hash_table_insert(s->keyring, g_memdup2(&new->number, sizeof new->number), remote);
    s->process->refused[app->environment] = false;
    simulation_excuse_all(s);
    rotator_wake(s->process->rotator);
}

static void lock_out(struct simulation *s, struct happening *h)
{
    struct app *app = &s->apps[chance_below(&s->chance, FIRST_MANAGED)];
    struct row *current = ledger_current(app);

    if (!s->calm && current != NULL && remote_lives(s, current->remote) && ledger_rotation(s, app) == NULL) {
        remote_kill(s, current->remote, KILLER_PERSON); /* until somebody wanders by and logs in */
    }
    again_in(s, lock_out, 150 * USEC_PER_DAY);
}

void people_calm_down(struct simulation *s)
{
    s->calm = true;
    s->disk_bad_until = 0;
    s->keyring_locked = s->foreign = false;
    s->asleep_until = 0;
    simulation_excuse_all(s);
    for (unsigned i = 0; i < s->n_apps; i++)
        people_reminded(s, &s->apps[i]);
    if (process_is_up(s))
        rotator_wake(s->process->rotator);
}

/* One key that two integrations share, now and then. */
static struct remote *key_of_another(struct simulation *s, struct app *app)
{
    struct app *other = &s->apps[chance_below(&s->chance, app->index + 1)];
    struct row *current = other != app && other->index >= FIRST_MANAGED ? ledger_current(other) : NULL;

    if (current == NULL || other->environment != app->environment || app->managed_by != MANAGED_BY_API ||
        other->managed_by != MANAGED_BY_API || current->remote->co_owner != NULL)
        return NULL;
    current->remote->co_owner = app;
    return current->remote;
}

static void give_first_key(struct simulation *s, struct app *app)
{
    struct remote *remote =
        app->index >= FIRST_MANAGED && chance_of(&s->chance, 300) ? key_of_another(s, app) : NULL;
    struct row *row;

    if (remote == NULL)
        remote = huechat_make(s, app, app->index < FIRST_MANAGED ? "management" : app->name, ORIGIN_PERSON);
    row = ledger_add(s, app, remote, ROW_CURRENT);
    if (chance_of(&s->chance, 600))
        row->id = g_strdup(remote->id);
    g_hash_table_add(s->known_ids, g_strdup(remote->id));
    g_hash_table_insert(s->keyring, g_memdup2(&row->number, sizeof row->number), remote);
}

/* A key that looks like ours: by its name, or by its end. */
static void make_foreign(struct simulation *s, struct app *app)
{
    g_autofree char *name = chance_of(&s->chance, 500) ? g_strdup_printf("%s [kt %08x.1]", app->name,
                                                                         (unsigned)chance_next(&s->chance))
                                                       : g_strdup(app->name);
    struct remote *remote = huechat_make(s, app, name, ORIGIN_FOREIGN);
    const struct row *current = ledger_current(app);

    if (current != NULL && chance_of(&s->chance, 300))
        memcpy(remote->last4, current->last4, sizeof remote->last4);
}

static void settle_app(struct simulation *s, unsigned index)
{
    static const usec_t overlaps[] = {5 * USEC_PER_SEC, 10 * USEC_PER_MINUTE, USEC_PER_HOUR, USEC_PER_DAY,
                                      3 * USEC_PER_DAY};
    struct app *app = &s->apps[index];

    app->index = index;
    app->environment = index < FIRST_MANAGED ? (enum environment)index
                                             : (enum environment)chance_below(&s->chance, ENVIRONMENT_COUNT);
    if (index < FIRST_MANAGED)
        g_snprintf(app->name, sizeof app->name, "@%s", environment_name(app->environment));
    else
        g_snprintf(app->name, sizeof app->name, "app%u", index);
    app->managed_by =
        index >= FIRST_MANAGED && chance_of(&s->chance, 150) ? MANAGED_BY_DASHBOARD : MANAGED_BY_API;
    app->full_access = index < FIRST_MANAGED || chance_of(&s->chance, 300);
    app->overlap = overlaps[chance_below(&s->chance, G_N_ELEMENTS(overlaps))];
    app->max_overlap = app->overlap * (1 + chance_below(&s->chance, 7));
    app->rotate_after = 2 * app->overlap + chance_span(&s->chance, USEC_PER_DAY, 90 * USEC_PER_DAY);
    app->delete_if_still_used = chance_of(&s->chance, 300);
    app->troubled = chance_of(&s->chance, 600);
    app->defined = true;
    app->rows = g_ptr_array_new_with_free_func(row_free);
    app->holders = g_ptr_array_new_with_free_func(g_free);
    g_snprintf(app->holders_text, sizeof app->holders_text, "%s.service (pid %u)", app->name, 4711 + index);
    if (index < FIRST_MANAGED || chance_of(&s->chance, 600))
        give_first_key(s, app);
    simulation_plan(s, chance_span(&s->chance, USEC_PER_SEC, USEC_PER_DAY), people_wander, app);
    if (chance_of(&s->chance, 500))
        make_foreign(s, app);
}

void people_settle(struct simulation *s)
{
    static const usec_t grains[] = {1, USEC_PER_MINUTE, USEC_PER_HOUR, 5 * USEC_PER_HOUR, NEVER};

    s->n_apps = FIRST_MANAGED + 2 + (unsigned)chance_below(&s->chance, MAX_APPS - FIRST_MANAGED - 1);
    s->usage_grain = grains[chance_below(&s->chance, G_N_ELEMENTS(grains))];
    s->crash_rate = (unsigned)chance_below(&s->chance, 3) * 50;
    s->fault_rate = 30 + (unsigned)chance_below(&s->chance, 150);
    s->dateless = chance_of(&s->chance, 100);
    s->its_offset = leap_of(s);
    for (unsigned i = 0; i < s->n_apps; i++)
        settle_app(s, i);
    again_in(s, crash, 40 * USEC_PER_DAY);
    again_in(s, leap, 200 * USEC_PER_DAY);
    again_in(s, lock, 60 * USEC_PER_DAY);
    again_in(s, lose, 60 * USEC_PER_DAY);
    again_in(s, fill, 30 * USEC_PER_DAY);
    again_in(s, lock_out, 150 * USEC_PER_DAY);
    again_in(s, fall_asleep, 60 * USEC_PER_DAY);
    again_in(s, move_house, 300 * USEC_PER_DAY);
}
