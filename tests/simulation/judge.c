/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must always hold (rotation.md, 1 to 6), and under 7 what else the rules promise: the gates, no storm
 * of calls, no use of the old key. */
#include <string.h>

#include "tests/simulation/simulation.h"

#define SLACK (5 * USEC_PER_SEC)

static bool is_by_will(const struct rotation *r)
{
    return r != NULL && (r->cause == CAUSE_REVOKE || r->cause == CAUSE_REMOVE);
}

/* 2: the intent is on disk before the request leaves. */
void judge_create(struct simulation *s, const struct request *q)
{
    const struct rotation *r = g_hash_table_lookup(s->disk, q->rid);
    g_autofree char *name = r != NULL ? rotation_key_name(r) : NULL;

    if (r == NULL || r->state != ROTATION_CREATING || r->sent_at == 0 || g_strcmp0(name, q->name) != 0)
        simulation_fail(s, 2, q->app, "%s creates \"%s\" without intent on disk", q->rid, q->name);
}

static unsigned older_holders(const struct app *app)
{
    unsigned older = 0;

    for (guint i = 0; i < app->holders->len; i++)
        older += ((struct holder *)app->holders->pdata[i])->generation < app->generation;
    return older;
}

/* Whether a span has really passed since the swap, as far as a liar's clock lets anybody know. */
static bool has_passed(const struct simulation *s, const struct course *course, usec_t span)
{
    bool ours = s->our_leaps != course->our_leaps, its = s->dateless || s->its_leaps != course->its_leaps;

    return (ours && its) || usec_add(s->now, SLACK) >= usec_add(course->swapped_at, span);
}

static void judge_gates(struct simulation *s, struct app *app, const struct rotation *r,
                        const struct course *course)
{
    const struct row *old = ledger_row(app, r->old_key), *new = ledger_row(app, r->new_key);
    bool overdue = app->delete_if_still_used && has_passed(s, course, app->max_overlap);
    bool lost = new != NULL &&new->lost;

    if (s->our_leaps == course->our_leaps && !lost &&
        usec_add(course->proved_at, USEC_PER_HOUR + SLACK) < s->now)
        simulation_fail(s, 7, app, "gate 2: the new key was not probed within the hour");
    if (!course->new_listed)
        simulation_fail(s, 7, app, "gate 2: no listing shows the new key");
    if (r->compromised)
        return;
    if (!has_passed(s, course, app->overlap))
        simulation_fail(s, 7, app, "gate 1: the overlap is not over");
    if (s->process->hooks_failed[app->index] != 0 && !overdue &&
        usec_add(s->process->hooks_failed[app->index], SLACK) < s->now)
        simulation_fail(s, 7, app, "a unit did not take the new key");
    if (older_holders(app) > 0 && !overdue)
        simulation_fail(s, 7, app, "gate 4: somebody still holds the old key");
    if (old != NULL && !overdue && old->remote->used_moved > course->baseline_at &&
        old->remote->used_moved <= course->listed_at && s->our_leaps == course->our_leaps &&
        usec_add(s->now, SLACK) < usec_add(old->remote->used_moved, USEC_PER_DAY))
        simulation_fail(s, 7, app, "gate 3: the old key was used within the day");
}

/* 2 and 4, and the gates, when a DELETE leaves. */
void judge_delete(struct simulation *s, const struct request *q)
{
    const struct rotation *r = g_hash_table_lookup(s->disk, q->rid);
    bool old =
        r != NULL && r->state == ROTATION_DELETING && g_strcmp0(r->old_id, q->id) == 0 && r->delete_at != 0;
    bool new = r != NULL && r->state == ROTATION_ROLLING_BACK &&g_strcmp0(r->new_id, q->id) == 0;
    bool stray = r != NULL && g_strcmp0(r->target_id, q->id) == 0;

    s->strays += stray;
    if (s->foreign)
        simulation_fail(s, 2, q->app, "it deletes %s, which another machine may use", q->id);
    if (!old && !new && !stray)
        simulation_fail(s, 2, q->app, "%s deletes %s without intent on disk", q->rid, q->id);
    else if (old && !is_by_will(r))
        judge_gates(s, q->app, r, simulation_course(s, q->rid));
}

/* 4 and 1, when a DELETE has its effect. */
void judge_killed(struct simulation *s, struct app *app, const struct remote *remote)
{
    if (remote->owner != app && (remote->co_owner != app || app == NULL))
        simulation_fail(s, 4, app, "it deletes %s \"%s\", which is not its own", remote->id, remote->name);
    for (unsigned i = 0; i < s->n_apps; i++) {
        const struct row *current = ledger_current(&s->apps[i]);

        if (current != NULL && current->remote == remote && !is_by_will(ledger_rotation(s, &s->apps[i])))
            simulation_fail(s, 1, app, "it deletes %s, which is current", remote->id);
    }
}

/* 1: what becomes current works, or a person has just broken it. */
static void judge_swap(struct simulation *s, struct app *app, struct course *course)
{
    const struct row *current = ledger_current(app);

    course->swapped_at = s->now;
    course->our_leaps = s->our_leaps;
    course->its_leaps = s->its_leaps;
    course->baseline_at = course->listed_at = 0;
    course->new_listed = false;
    if (current == NULL) {
        simulation_fail(s, 1, app, "after a swap nothing is current");
        return;
    }
    if (!remote_works(s, current->remote) && current->remote->killer != KILLER_PERSON)
        simulation_fail(s, 1, app, "%s is current and does not work", current->remote->id);
    if (g_hash_table_lookup(s->keyring, &current->number) != current->remote && !current->lost)
        simulation_fail(s, 1, app, "%s is current and not in the keyring", current->remote->id);
}

/* 6: no secret in any field, nor in what people are told. */
static void judge_texts(struct simulation *s, struct app *app, const struct rotation *r)
{
    g_autofree char *guidance = rotation_guidance(r);

#define NUM(f)
#define FLAG(f)
#define TEXT(f)                                                                                              \
    if (r->f != NULL && strstr(r->f, SECRET_MARK) != NULL)                                                   \
        simulation_fail(s, 6, app, "a secret is in " #f);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    if (strstr(guidance, SECRET_MARK) != NULL)
        simulation_fail(s, 6, app, "a secret is in the guidance");
}

void judge_commit(struct simulation *s, const struct rotation *r, enum rotation_change change)
{
    struct app *app = simulation_app(s, r->integration);
    struct course *course = simulation_course(s, r->rid);

    judge_texts(s, app, r);
    s->swaps += change == CHANGE_SWAP;
    s->swaps_back += change == CHANGE_SWAP && r->reason != NULL;
    if (change == CHANGE_SWAP)
        judge_swap(s, app, course);
    if (r->has_baseline && course->baseline_at == 0)
        course->baseline_at = course->listed_at;
    if (course->commits >
        60 + 3 * course->calls + 10 * course->restarts + 10 * course->words + 3 * course->held)
        simulation_fail(s, 7, app, "%u commits for %u calls", course->commits, course->calls);
}

/* Never probe with the old key in draining except for a rollback: it would count as use. */
void judge_probe_old(struct simulation *s, const struct rotation *r)
{
    struct app *app = simulation_app(s, r->integration);

    if (r->state == ROTATION_DRAINING && !simulation_course(s, r->rid)->may_probe_old)
        simulation_fail(s, 7, app, "it probes with the old key while that drains");
}

/* No storm: a failing read is repeated every 5 minutes at most, once it has gone on for a while. */
void judge_call(struct simulation *s, const struct rotation *r)
{
    struct course *course = simulation_course(s, r->rid);
    uint64_t hours = (s->now - course->started_at) / USEC_PER_HOUR;

    course->calls++;
    if (course->calls > 200 + 40 * course->restarts + 10 * course->words + 14 * hours)
        simulation_fail(s, 7, course->app, "%u calls in %u hours", course->calls, (unsigned)hours);
}

/* 5: nobody waits for another one's trouble. */
static void judge_wait(struct simulation *s, struct app *app)
{
    const struct rotation *r = process_is_up(s) ? rotator_find(s->process->rotator, app->name) : NULL;
    const struct course *course = r != NULL ? simulation_course(s, r->rid) : NULL;
    usec_t since;

    if (r == NULL)
        return;
    if (!s->process->busy[app->index] && r->next_at != 0 &&
        s->now >= MAX(s->disk_bad_until, s->asleep_until) + USEC_PER_MINUTE &&
        s->now >= app->excused_at + USEC_PER_HOUR &&
        usec_add(r->next_at, USEC_PER_MINUTE) < simulation_our_time(s))
        simulation_fail(s, 5, app, "it was due a minute ago and nothing is done");
    if (r->state == ROTATION_AWAITING_KEY && r->new_key != 0 && !s->keyring_locked &&
        s->now > MAX(s->disk_bad_until, app->excused_at) + 12 * USEC_PER_HOUR)
        simulation_fail(s, 5, app, "a person's key is not stored for hours");
    if (app->troubled || r->state == ROTATION_HELD || app->managed_by == MANAGED_BY_DASHBOARD)
        return;
    since = MAX(course->started_at, app->excused_at);
    if (s->keyring_locked || s->process->refused[app->environment])
        app->excused_at = s->now;
    else if (s->now > usec_add(since, 2 * app->overlap + 4 * USEC_PER_DAY))
        simulation_fail(s, 5, app, "nothing is wrong with it, and it has been %s for days",
                        rotation_state_name((enum rotation_state)r->state));
}

void judge_step(struct simulation *s)
{
    for (unsigned i = 0; i < s->n_apps; i++) {
        const struct row *current = ledger_current(&s->apps[i]);

        if (current != NULL && current->remote->killer == KILLER_KEYTURN &&
            !is_by_will(ledger_rotation(s, &s->apps[i])))
            simulation_fail(s, 1, &s->apps[i], "%s is current, and keyturn has deleted it",
                            current->remote->id);
        judge_wait(s, &s->apps[i]);
    }
}

static const char *unrest_of(struct simulation *s, struct app *app)
{
    unsigned current = 0;

    for (guint i = 0; i < app->rows->len; i++) {
        const struct row *row = app->rows->pdata[i];
        const struct remote *kept = g_hash_table_lookup(s->keyring, &row->number);

        if (row->state == ROW_NEW || row->state == ROW_RETIRING)
            return "a key in the ledger is neither current nor gone";
        if (row->state == ROW_GONE && kept != NULL)
            return "the secret of a key that is gone is in the keyring";
        if (row->state != ROW_CURRENT)
            continue;
        current++;
        if (!remote_works(s, row->remote))
            return "the current key does not work";
        if (kept != row->remote)
            return "the current key is not in the keyring";
    }
    if (app->again)
        return "the current key is to be rotated again";
    return app->defined && current != 1 ? "there is not exactly one current key" : NULL;
}

/* 3: one current, living key each, and none of ours at HueChat besides. */
bool judge_is_at_rest(struct simulation *s, const char **ret_why, struct app **ret_app)
{
    *ret_app = NULL;
    *ret_why = "a rotation has not ended";
    for (unsigned i = 0; i < s->n_apps; i++)
        if (ledger_rotation(s, &s->apps[i]) != NULL) {
            *ret_app = &s->apps[i];
            return false;
        }
    if (s->process == NULL || g_hash_table_size(s->disk) > 0 || s->ghosts > 0)
        return false;
    for (unsigned i = 0; i < s->n_apps; i++) {
        *ret_app = &s->apps[i];
        *ret_why = unrest_of(s, *ret_app);
        if (*ret_why != NULL)
            return false;
    }
    for (guint i = 0; i < s->remotes->len; i++) {
        const struct remote *remote = s->remotes->pdata[i];
        const struct row *current = remote->owner != NULL ? ledger_current(remote->owner) : NULL;

        *ret_app = remote->owner;
        if (remote->origin != ORIGIN_CREATED || !remote_lives(s, remote) ||
            (current != NULL && current->remote == remote))
            continue;
        g_snprintf(s->why, sizeof s->why, "%s \"%s\" is at HueChat, and the ledger does not know it",
                   remote->id, remote->name);
        *ret_why = s->why;
        return false;
    }
    return true;
}
