/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturnd as far as rotations go: the table that the rotator acts on, when a rotation begins, death and
 * recovery. */
#include <errno.h>
#include <string.h>

#include "tests/simulation/simulation.h"

bool process_is_up(const struct simulation *s)
{
    return s->process != NULL && !s->crashing && s->now >= s->asleep_until;
}

static usec_t world_now(void *userdata)
{
    return simulation_our_time(userdata);
}

/* Without an id, the last 4 have to do. */
static bool is_same(const struct row *current, const struct app *app, const struct rotation *r)
{
    if (current->number == r->old_key)
        return true;
    if (app->environment != r->environment)
        return false;
    return current->id != NULL ? g_strcmp0(current->id, r->old_id) == 0
                               : g_strcmp0(current->last4, r->old_last4) == 0;
}

static bool is_anybodys(struct simulation *s, const struct app *own, const struct rotation *r)
{
    bool by_will = r->cause == CAUSE_REVOKE || r->cause == CAUSE_REMOVE;

    for (unsigned i = 0; i < s->n_apps; i++) {
        const struct row *current = ledger_current(&s->apps[i]);

        if (current != NULL && !(&s->apps[i] == own && by_will) && is_same(current, &s->apps[i], r))
            return true;
    }
    return false;
}

static unsigned older_holders(const struct app *app)
{
    unsigned older = 0;

    for (guint i = 0; i < app->holders->len; i++)
        older += ((struct holder *)app->holders->pdata[i])->generation < app->generation;
    return older;
}

static void world_read_facts(const struct rotation *r, struct rotation_facts *ret, void *userdata)
{
    struct simulation *s = userdata;
    struct app *app = simulation_app(s, r->integration);
    const struct row *old = ledger_row(app, r->old_key);

    *ret = (struct rotation_facts){
        .now = simulation_our_time(s),
        .keyring_ready = !s->keyring_locked,
        .paused = s->process->refused[r->environment] || ledger_current(&s->apps[r->environment]) == NULL,
        .foreign = s->foreign,
        .overlap = app->overlap,
        .max_overlap = app->max_overlap,
        .timeout = 10 * USEC_PER_SEC,
        .delete_if_still_used = app->delete_if_still_used,
        .old_secret_known = old != NULL && old->state != ROW_GONE,
        .old_id = old != NULL ? old->id : NULL,
        .old_is_current = is_anybodys(s, app, r),
        .older_holders = rotation_is_swapped(r) ? older_holders(app) : 0,
        .holders_text = app->holders_text,
        .hooks_ran = s->process->hooks_ran[app->index],
        .hooks_failed = s->process->hooks_failed[app->index] != 0,
    };
}

static int world_commit(struct rotation *r, enum rotation_state from, enum rotation_change change,
                        void *userdata)
{
    struct simulation *s = userdata;
    struct app *app = simulation_app(s, r->integration);
    int result;

    if (s->crashing || process_may_crash(s, 1))
        return -EIO;
    result = ledger_write(s, r, change);
    if (result < 0)
        return result;
    simulation_trace(s, app, "%s %s -> %s%s%s%s", r->rid, rotation_state_name(from),
                     rotation_state_name((enum rotation_state)r->state),
                     change == CHANGE_SWAP ? ", swap" : "", r->reason != NULL ? ": " : "",
                     r->reason != NULL ? r->reason : "");
    simulation_course(s, r->rid)->commits++;
    s->entered[r->state] += from != (enum rotation_state)r->state;
    judge_commit(s, r, change);
    process_may_crash(s, 2);
    return s->crashing ? -EIO : 0;
}

static void world_perform(const struct rotation *r, const struct rotation_step *step, void *userdata)
{
    struct simulation *s = userdata;

    if (s->crashing)
        return;
    judge_call(s, r);
    performer_begin(s, r, step);
}

static void refuse(struct simulation *s, enum environment environment)
{
    s->process->refused[environment] = true;
    for (unsigned i = 0; i < s->n_apps; i++)
        if (s->apps[i].environment == environment)
            s->apps[i].excused_at = s->now;
}

static void forget(struct simulation *s, struct happening *h)
{
    if (h->app->defined || s->process == NULL || s->crashing)
        return;
    rotator_forget(s->process->rotator, h->app->name);
}

/* What follows from a rotation that is over. */
static void conclude(struct simulation *s, struct app *app, const struct rotation *r)
{
    s->rotations++;
    g_hash_table_remove(s->process->fresh, r->rid);
    if (!app->defined)
        simulation_plan(s, 0, forget, app);
}

static void world_changed(const struct rotation *r, enum rotation_state from,
                          const struct rotation_step *step, void *userdata)
{
    struct simulation *s = userdata;
    struct app *app = simulation_app(s, r->integration);

    if (s->crashing)
        return;
    if (step->pause && !s->process->refused[r->environment])
        refuse(s, (enum environment)r->environment);
    if (step->change == CHANGE_SWAP && app->index < FIRST_MANAGED)
        s->process->refused[r->environment] = false;
    if (from == (enum rotation_state)r->state || !rotation_is_over(r))
        return;
    conclude(s, app, r);
}

static void world_remind(const struct rotation *r, void *userdata)
{
    struct simulation *s = userdata;

    if (!s->crashing)
        people_reminded(s, simulation_app(s, r->integration));
}

static void world_ended(const struct rotation *r, void *userdata)
{
    struct simulation *s = userdata;

    if (!s->crashing)
        g_hash_table_remove(s->disk, r->rid);
}

const struct rotator_world process_world = {
    .now = world_now,
    .read_facts = world_read_facts,
    .commit = world_commit,
    .perform = world_perform,
    .changed = world_changed,
    .remind = world_remind,
    .ended = world_ended,
};

static void describe_old(struct rotation *r, const struct row *row)
{
    r->old_key = row->number;
    r->old_id = g_strdup(row->id);
    r->old_last4 = g_strdup(row->last4);
    r->old_name = g_strdup(row->name);
}

int process_begin(struct simulation *s, struct app *app, enum rotation_cause cause)
{
    g_autofree char *rid = g_strdup_printf("%08x", (unsigned)chance_next(&s->chance));
    struct rotation *r = rotation_new(rid, app->name, app->environment, cause, simulation_our_time(s));
    const struct row *current = ledger_current(app);
    struct course *course = g_new0(struct course, 1);

    r->managed_by = app->managed_by;
    r->full_access = app->full_access;
    r->permissions = g_strdup(app->full_access ? "" : "contacts:read;contacts:write");
    if (current != NULL)
        describe_old(r, current);
    course->app = app;
    course->started_at = s->now;
    g_hash_table_insert(s->courses, g_strdup(rid), course);
    simulation_trace(s, app, "%s begins: %s", rid, rotation_cause_name(cause));
    return rotator_start(s->process->rotator, r);
}

static bool is_secret_missing(struct simulation *s, const struct row *row)
{
    return !s->keyring_locked && g_hash_table_lookup(s->keyring, &row->number) == NULL;
}

void process_consider(struct simulation *s, struct app *app)
{
    const struct row *current = ledger_current(app);
    usec_t now = simulation_our_time(s), age;

    if (!process_is_up(s) || !app->defined || rotator_find(s->process->rotator, app->name) != NULL)
        return;
    if (app->retry_at > now && app->retry_at - now <= USEC_PER_DAY)
        return;
    if (current == NULL) {
        if (app->index >= FIRST_MANAGED)
            process_begin(s, app, CAUSE_ADD);
        return;
    }
    if (app->index < FIRST_MANAGED && !remote_works(s, current->remote))
        return; /* a person has to log in */
    age = usec_sub(now, current->created_at);
    if (app->again) {
        app->again = false;
        process_begin(s, app, CAUSE_COMPROMISED);
    } else if (is_secret_missing(s, current)) {
        process_begin(s, app, CAUSE_LOST);
    } else if (!s->calm && age >= app->rotate_after - app->overlap) {
        process_begin(s, app, CAUSE_AGE);
    }
}

void process_start(struct simulation *s, struct happening *h)
{
    GHashTableIter iter;
    void *value;

    if (s->now < s->asleep_until) {
        simulation_plan(s, s->asleep_until - s->now, process_start, NULL);
        return;
    }
    s->epoch++;
    s->process = g_new0(struct process, 1);
    s->process->rotator = rotator_new(&process_world, s);
    s->process->fresh = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    simulation_excuse_all(s);
    g_hash_table_iter_init(&iter, s->disk);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct rotation *r = ledger_read(value);

        simulation_course(s, r->rid)->restarts++;
        rotator_adopt(s->process->rotator, r);
    }
    rotator_wake(s->process->rotator);
}

bool process_may_crash(struct simulation *s, unsigned permille)
{
    if (s->calm || s->process == NULL || s->crashing || !chance_of(&s->chance, permille) ||
        !chance_of(&s->chance, 10 * s->crash_rate))
        return s->crashing;
    s->crashing = true;
    return true;
}

void process_crash(struct simulation *s)
{
    rotator_free(s->process->rotator);
    g_hash_table_unref(s->process->fresh);
    g_free(s->process);
    s->process = NULL;
    s->crashing = false;
    s->crashes++;
    s->epoch++;
    simulation_plan(s, chance_span(&s->chance, USEC_PER_SEC, USEC_PER_HOUR), process_start, NULL);
}
