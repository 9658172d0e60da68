/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Persons who ask, answer late, or do what nobody asked of them; and apps that fetch keys and hold on to
 * them. */
#include <string.h>

#include "tests/simulation/people.h"

void people_say(struct simulation *s, struct app *app, enum rotation_event_type type)
{
    const struct rotation *r = ledger_rotation(s, app);
    struct course *course = r != NULL ? simulation_course(s, r->rid) : NULL;

    if (!process_is_up(s) || course == NULL)
        return;
    app->excused_at = s->now;
    course->words++;
    if (type == EVENT_ROLLBACK)
        course->may_probe_old = true;
    rotator_say(s->process->rotator, app->name, &(struct rotation_event){.type = type});
}

static void look_again(struct simulation *s, struct app *app)
{
    const struct rotation *r = ledger_rotation(s, app);

    if (!process_is_up(s) || r == NULL)
        return;
    simulation_course(s, r->rid)->words++;
    rotator_wake_integration(s->process->rotator, app->name);
}

/* An app got 401 and said so. */
static void report(struct simulation *s, struct app *app)
{
    usec_t now = simulation_our_time(s);
    const struct row *current = ledger_current(app);

    if (!process_is_up(s) || app->index < FIRST_MANAGED || current == NULL)
        return;
    if (rotator_find(s->process->rotator, app->name) != NULL) {
        people_say(s, app, EVENT_REJECTED);
        return;
    }
    if (remote_works(s, current->remote) ||
        (app->reported_at <= now && now - app->reported_at < USEC_PER_HOUR))
        return;
    app->reported_at = now;
    process_begin(s, app, app->managed_by == MANAGED_BY_API ? CAUSE_DEAD : CAUSE_ASKED);
}

static void move(struct simulation *s, struct happening *h);

static void move_in(struct simulation *s, struct app *app, struct holder *holder)
{
    usec_t most = app->troubled && chance_of(&s->chance, 100) ? 2 * app->max_overlap : app->overlap / 2;

    if (s->calm)
        most = MIN(most, USEC_PER_DAY);
    simulation_plan(s, chance_span(&s->chance, USEC_PER_SEC, MAX(most, 2 * USEC_PER_SEC)), move, app)
        ->number = holder->number;
}

static struct holder *find_holder(const struct app *app, uint64_t number)
{
    for (guint i = 0; i < app->holders->len; i++) {
        struct holder *holder = app->holders->pdata[i];

        if (holder->number == number)
            return holder;
    }
    return NULL;
}

/* A holder uses the key it has; then it fetches anew, or ends. */
static void move(struct simulation *s, struct happening *h)
{
    struct holder *holder = find_holder(h->app, h->number);
    const struct row *current = ledger_current(h->app);

    if (holder == NULL)
        return; /* it ended before */
    if (remote_works(s, holder->remote))
        remote_use(s, holder->remote);
    else
        report(s, h->app);
    if (process_is_up(s) && current != NULL && chance_of(&s->chance, 600)) {
        holder->generation = h->app->generation;
        holder->remote = current->remote;
    } else {
        g_ptr_array_remove_fast(h->app->holders, holder);
    }
    look_again(s, h->app);
}

void people_announced(struct simulation *s, struct app *app)
{
    simulation_plan(s, chance_span(&s->chance, USEC_PER_SEC, 10 * USEC_PER_MINUTE), people_hooks_ran, app)
        ->epoch = s->epoch;
    for (guint i = 0; i < app->holders->len; i++)
        move_in(s, app, app->holders->pdata[i]);
}

void people_hooks_ran(struct simulation *s, struct happening *h)
{
    if (h->epoch != s->epoch || s->process == NULL)
        return;
    if (!s->calm && h->app->troubled && chance_of(&s->chance, 100))
        s->process->hooks_failed[h->app->index] = s->now;
    else
        s->process->hooks_ran[h->app->index] = true;
    look_again(s, h->app);
}

static void fetch(struct simulation *s, struct app *app)
{
    const struct row *current = ledger_current(app);
    struct holder *holder;

    if (!process_is_up(s) || current == NULL || app->holders->len >= 3)
        return;
    holder = g_new0(struct holder, 1);
    holder->number = ++s->holders;
    holder->generation = app->generation;
    holder->remote = current->remote;
    remote_use(s, holder->remote);
    g_ptr_array_add(app->holders, holder);
    move_in(s, app, holder);
}

/* In the dashboard, as told. */
static void supply(struct simulation *s, struct app *app, const struct rotation *r)
{
    g_autofree char *name = rotation_key_name(r);
    struct remote *remote = huechat_make(s, app, name, ORIGIN_PERSON);
    struct remote_key key = {.id = chance_of(&s->chance, 500) ? remote->id : NULL, .last4 = remote->last4};

    simulation_course(s, r->rid)->created = remote;
    g_hash_table_insert(s->process->fresh, g_strdup(r->rid), remote);
    app->excused_at = s->now;
    simulation_trace(s, app, "a person creates and imports %s", remote->id);
    if (rotator_say(s->process->rotator, app->name,
                    &(struct rotation_event){.type = EVENT_SUPPLIED, .key = &key}) < 0)
        remote_kill(s, remote, KILLER_PERSON);
}

static void delete (struct simulation *s, struct app *app, const struct rotation *r)
{
    const struct row *old = ledger_row(app, r->old_key);

    if (old == NULL || (!s->calm && chance_of(&s->chance, 150)))
        return;
    simulation_trace(s, app, "a person deletes %s", old->remote->id);
    remote_kill(s, old->remote, KILLER_PERSON);
}

/* A person who reads why it is held, and does something about it; true: has deleted the old key. */
static bool mend(struct simulation *s, struct app *app, const struct rotation *r)
{
    struct row *old = ledger_row(app, r->old_key);

    if (old == NULL)
        return false;
    if (strstr(r->reason, "say which one") != NULL && old->id == NULL) {
        old->id = g_strdup(old->remote->id); /* keyturn import --id */
        g_hash_table_add(s->known_ids, g_strdup(old->id));
    }
    if (strstr(r->reason, "but it still") == NULL && strstr(r->reason, "is lost and its id") == NULL)
        return false;
    remote_kill(s, old->remote, KILLER_PERSON);
    return true;
}

static void decide(struct simulation *s, struct app *app, const struct rotation *r)
{
    struct course *course = simulation_course(s, r->rid);
    unsigned dice = (unsigned)chance_below(&s->chance, 10);
    bool back = !mend(s, app, r) && rotation_can_roll_back(r);

    course->held++;
    s->foreign = false;
    if ((back && course->held > 3) || (back && dice < 3))
        people_say(s, app, EVENT_ROLLBACK);
    else if (dice == 9 || course->held > 5)
        people_say(s, app, EVENT_HURRY);
    else
        people_say(s, app, EVENT_RESUME);
}

static void react(struct simulation *s, struct happening *h)
{
    struct app *app = h->app;
    const struct rotation *r = ledger_rotation(s, app);

    if (r == NULL)
        return;
    if (!process_is_up(s) || s->process->busy[app->index]) {
        people_reminded(s, app);
        return;
    }
    if (r->state == ROTATION_HELD) {
        decide(s, app, r);
    } else if (r->state == ROTATION_AWAITING_KEY && r->new_key == 0) {
        supply(s, app, r);
    } else if (r->state == ROTATION_AWAITING_DELETION && r->deleted_at == 0) {
        delete (s, app, r);
        people_say(s, app, EVENT_CONFIRM);
    }
}

void people_reminded(struct simulation *s, struct app *app)
{
    simulation_plan(s, chance_span(&s->chance, USEC_PER_MINUTE, s->calm ? USEC_PER_HOUR : 3 * USEC_PER_DAY),
                    react, app);
}

/* Late listings of its rotations are given up with an integration that is removed. */
static bool has_loose_ends(struct simulation *s, const struct app *app)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, s->disk);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (strcmp(((struct rotation *)value)->integration, app->name) == 0)
            return true;
    return s->ghosts > 0;
}

static void ask(struct simulation *s, struct app *app)
{
    unsigned dice = (unsigned)chance_below(&s->chance, 100);
    const struct row *current = ledger_current(app);

    process_consider(s, app);
    if (!process_is_up(s) || rotator_find(s->process->rotator, app->name) != NULL || current == NULL)
        return;
    if (app->index < FIRST_MANAGED) {
        if (dice < 10 && remote_works(s, current->remote))
            process_begin(s, app, CAUSE_ASKED);
        return;
    }
    if (dice < 50)
        process_begin(s, app, CAUSE_ASKED);
    else if (dice < 62)
        process_begin(s, app, CAUSE_COMPROMISED);
    else if (dice < 66)
        process_begin(s, app, CAUSE_REVOKE);
    else if (dice < 70 && !has_loose_ends(s, app))
        process_begin(s, app, CAUSE_REMOVE);
    else if (dice < 74 && app->troubled)
        remote_kill(s, current->remote, KILLER_PERSON);
}

static void interfere(struct simulation *s, struct app *app, const struct rotation *r)
{
    const struct row *row = ledger_row(app, chance_of(&s->chance, 500) ? r->old_key : r->new_key);

    switch (chance_below(&s->chance, 25)) {
    case 0:
        people_say(s, app, EVENT_HURRY);
        return;
    case 1:
        people_say(s, app, EVENT_ROLLBACK);
        return;
    case 2:
        people_say(s, app, EVENT_RESUME);
        return;
    case 3:
        if (!app->troubled || app->index < FIRST_MANAGED || row == NULL)
            return;
        simulation_trace(s, app, "a person deletes %s too early", row->remote->id);
        remote_kill(s, row->remote, KILLER_PERSON);
        return;
    default:
        return;
    }
}

/* One app and its owner, from day to day. */
void people_wander(struct simulation *s, struct happening *h)
{
    struct app *app = h->app;
    const struct rotation *r = ledger_rotation(s, app);
    const struct row *current = ledger_current(app);

    if (!app->defined && (s->calm || chance_of(&s->chance, 800)))
        return;
    if (!app->defined)
        app->defined = true;
    if (s->calm) {
        process_consider(s, app);
        if (current != NULL && !remote_works(s, current->remote))
            report(s, app);
        if (r == NULL && current != NULL && current->remote->co_owner != NULL)
            process_begin(s, app, CAUSE_ASKED); /* each its own, at last */
    } else if (r != NULL) {
        interfere(s, app, r);
    } else {
        ask(s, app);
    }
    if (!s->calm)
        fetch(s, app);
    if (app->index < FIRST_MANAGED && current != NULL && !remote_works(s, current->remote))
        nature_log_in(s, app);
    simulation_plan(s, s->calm ? USEC_PER_HOUR : chance_span(&s->chance, USEC_PER_MINUTE, 6 * USEC_PER_DAY),
                    people_wander, app);
}
