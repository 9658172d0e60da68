/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's frame: changes of state, waiting, and what a person may say in any state. Each state is in
 * the file that is named after it. */
#include "daemon/core/rotation-private.h"

#include <string.h>

void rotation_enter(struct rotation *r, enum rotation_state state)
{
    bool awake = r->seen.awake, announced = r->seen.announced, have_secret = r->seen.have_secret;
    usec_t date = r->seen.date;

    r->state = state;
    r->next_at = 0;
    r->reminded_at = 0;
    memset(&r->seen, 0, sizeof r->seen);
    r->seen.awake = awake;
    r->seen.announced = announced;
    r->seen.have_secret = have_secret;
    r->seen.date = date;
}

static void set_reason(struct rotation *r, const char *format, va_list arguments)
{
    char *reason = g_strdup_vprintf(format, arguments);

    g_free(r->reason);
    r->reason = reason;
}

void rotation_set_reason(struct rotation *r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_reason(r, format, arguments);
    va_end(arguments);
}

void rotation_hold(struct rotation *r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_reason(r, format, arguments);
    va_end(arguments);
    r->held_from = r->state;
    rotation_enter(r, ROTATION_HELD);
}

bool rotation_give_up(struct rotation *r, usec_t now, const char *format, ...)
{
    va_list arguments;

    if (r->cause != CAUSE_ADD || r->outcome_unknown)
        return false;
    va_start(arguments, format);
    set_reason(r, format, arguments);
    va_end(arguments);
    rotation_finish(r, ROTATION_ABORTED, now);
    return true;
}

/* Waits that a table gives, the last one for good; HueChat's own wish if it has one, a day at most. */
static void wait_by_table(struct rotation *r, const usec_t *table, size_t n, unsigned step,
                          const struct answer *answer, usec_t now)
{
    usec_t wait = table[MIN(step, n - 1)];

    if (answer != NULL && answer->status == 429)
        wait = answer->retry_after > 0 ? MIN(answer->retry_after, USEC_PER_DAY) : USEC_PER_MINUTE;
    r->next_at = usec_add(now, wait);
}

void rotation_retry_quickly(struct rotation *r, usec_t now)
{
    static const usec_t table[] = {USEC_PER_SEC, 2 * USEC_PER_SEC, 4 * USEC_PER_SEC, 8 * USEC_PER_SEC};

    wait_by_table(r, table, G_N_ELEMENTS(table), r->seen.tries++, NULL, now);
}

void rotation_retry_read(struct rotation *r, const struct answer *answer, usec_t now)
{
    static const usec_t table[] = {5 * USEC_PER_SEC, 15 * USEC_PER_SEC, USEC_PER_MINUTE, 5 * USEC_PER_MINUTE};

    wait_by_table(r, table, G_N_ELEMENTS(table), r->seen.tries++, answer, now);
}

void rotation_back_off(struct rotation *r, const struct answer *answer, usec_t now)
{
    static const usec_t table[] = {10 * USEC_PER_SEC,    USEC_PER_MINUTE,   5 * USEC_PER_MINUTE,
                                   30 * USEC_PER_MINUTE, 2 * USEC_PER_HOUR, 6 * USEC_PER_HOUR,
                                   24 * USEC_PER_HOUR};
    bool limited = answer != NULL && answer->status == 429;

    wait_by_table(r, table, G_N_ELEMENTS(table), (unsigned)r->failures, answer, now);
    if (!limited)
        r->failures++;
}

void rotation_wait_for_keyring(struct rotation *r, usec_t now)
{
    r->next_at = usec_add(now, 5 * USEC_PER_SEC);
}

enum verdict rotation_verdict(const struct rotation_event *e)
{
    return e->answer != NULL ? answer_verdict(e->answer) : VERDICT_UNKNOWN;
}

struct rotation_step rotation_remind(struct rotation *r, usec_t now)
{
    if (r->seen.reminded && is_within(r->reminded_at, USEC_PER_DAY, now)) {
        r->next_at = usec_add(r->reminded_at, USEC_PER_DAY);
        return WAIT;
    }
    r->seen.reminded = true;
    r->reminded_at = now;
    return STEP(ACTION_REMIND);
}

static void held_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    /* Whoever is in a hurry wants it to go on too. */
    if (e->type != EVENT_RESUME && e->type != EVENT_HURRY)
        return;
    g_clear_pointer(&r->reason, g_free);
    rotation_enter(r, (enum rotation_state)r->held_from);
    if (e->type == EVENT_RESUME)
        r->seen.announced = false; /* a unit that failed gets another chance */
    r->failures = 0;
    r->refusals = 0;
}

static struct rotation_step held_decide(struct rotation *r, const struct rotation_facts *f)
{
    return rotation_remind(r, f->now);
}

static const struct {
    void (*absorb)(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step);
    struct rotation_step (*decide)(struct rotation *r, const struct rotation_facts *f);
} states[] = {
    [ROTATION_PLANNED] = {planned_absorb, planned_decide},
    [ROTATION_CREATING] = {creating_absorb, creating_decide},
    [ROTATION_RECONCILING] = {reconciling_absorb, reconciling_decide},
    [ROTATION_STORED] = {stored_absorb, stored_decide},
    [ROTATION_VERIFIED] = {verified_absorb, verified_decide},
    [ROTATION_DRAINING] = {draining_absorb, draining_decide},
    [ROTATION_DELETING] = {deleting_absorb, deleting_decide},
    [ROTATION_DELETED] = {deleted_absorb, deleted_decide},
    [ROTATION_DONE] = {over_absorb, over_decide},
    [ROTATION_ROLLING_BACK] = {rolling_back_absorb, rolling_back_decide},
    [ROTATION_ABORTED] = {over_absorb, over_decide},
    [ROTATION_AWAITING_KEY] = {awaiting_key_absorb, awaiting_key_decide},
    [ROTATION_AWAITING_DELETION] = {awaiting_deletion_absorb, awaiting_deletion_decide},
    [ROTATION_HELD] = {held_absorb, held_decide},
};

static enum rotation_state state_behind(const struct rotation *r)
{
    return (enum rotation_state)(r->state == ROTATION_HELD ? r->held_from : r->state);
}

bool rotation_can_roll_back(const struct rotation *r)
{
    switch (state_behind(r)) {
    case ROTATION_PLANNED:
    case ROTATION_CREATING:
    case ROTATION_RECONCILING:
    case ROTATION_STORED:
    case ROTATION_VERIFIED:
    case ROTATION_AWAITING_KEY:
        return true;
    case ROTATION_DRAINING:
        return !r->swapped_back;
    case ROTATION_AWAITING_DELETION:
        return rotation_is_swapped(r) ? !r->swapped_back : r->deleted_at == 0;
    case ROTATION_DELETING:
        return r->delete_at == 0 && !r->swapped_back;
    case ROTATION_ROLLING_BACK:
    case ROTATION_DELETED:
    case ROTATION_DONE:
    case ROTATION_ABORTED:
    case ROTATION_HELD:
        break;
    }
    return false;
}

bool rotation_is_rolled_back(const struct rotation *r)
{
    return r->swapped_back || r->state == ROTATION_ROLLING_BACK;
}

/* Before the swap: undo. After it: a second swap, if the old key still works. */
static void roll_back(struct rotation *r)
{
    if (!rotation_can_roll_back(r))
        return;
    if (!rotation_is_swapped(r)) {
        rotation_set_reason(r, "rolled back by a person");
        r->seen.have_secret = false;
        rotation_enter(r, ROTATION_ROLLING_BACK);
        return;
    }
    rotation_enter(r, ROTATION_DRAINING);
    r->deleted_at = 0;
    r->seen.probe_old = true;
}

void rotation_hurry(struct rotation *r)
{
    if (rotation_is_over(r) || is_by_will(r))
        return;
    r->compromised = true;
    r->again = true;
}

static void absorb_persons_word(struct rotation *r, const struct rotation_event *e)
{
    if (e->type == EVENT_HURRY)
        rotation_hurry(r);
    if (e->type == EVENT_HURRY || e->type == EVENT_RESUME)
        r->next_at = 0;
    if (e->type == EVENT_ROLLBACK)
        roll_back(r);
}

/* The first one after a start acts at once; later ones don't cut a back-off short, except for a gate's. */
static void absorb_wake(struct rotation *r, usec_t now)
{
    if (!r->seen.awake || r->seen.gates_failed || now < r->waits_since)
        r->next_at = 0;
    r->seen.awake = true;
}

static struct rotation_step decide(struct rotation *r, const struct rotation_facts *f)
{
    struct rotation_step step;
    enum rotation_state deciding;

    do {
        deciding = (enum rotation_state)r->state;
        step = states[deciding].decide(r, f);
    } while (r->state != deciding);
    return step;
}

/* On another machine every delete waits for a person's word. */
static struct rotation_step refuse_delete(struct rotation *r, usec_t now)
{
    if (rotation_is_over(r)) {
        r->next_at = usec_add(now, USEC_PER_HOUR);
        return WAIT;
    }
    r->delete_at = 0;
    rotation_hold(
        r, "this ledger came from another machine, which may still use these keys: stop keyturn there, "
           "then resume here");
    return held_decide(r, &(struct rotation_facts){.now = now});
}

struct rotation_step rotation_next(struct rotation *r, const struct rotation_event *e,
                                   const struct rotation_facts *facts)
{
    struct rotation_facts f = *facts;
    struct rotation_step step, told = WAIT;
    usec_t waited = r->next_at;

    if (e->answer != NULL && e->answer->date != 0)
        r->seen.date = e->answer->date;
    if (r->old_id == NULL)
        r->old_id = g_strdup(f.old_id);
    if (e->type == EVENT_WAKE)
        absorb_wake(r, f.now);
    if (r->next_at <= f.now)
        r->next_at = 0;
    absorb_persons_word(r, e);
    states[r->state].absorb(r, e, &f, &told);
    if (e->type == EVENT_SENDING)
        return WAIT;
    f.paused = f.paused || told.pause;
    step = decide(r, &f);
    if (step.action == ACTION_DELETE && f.foreign)
        step = refuse_delete(r, f.now);
    if (told.change != CHANGE_NONE)
        step.change = told.change;
    step.pause = told.pause;
    step.attention = step.attention || told.attention;
    if (r->next_at != waited)
        r->waits_since = f.now;
    return step;
}

static char *guide_held(const struct rotation *r)
{
    return g_strdup_printf("held in %s: %s; keyturn resume %s%s%s", rotation_state_name(state_behind(r)),
                           r->reason, r->integration,
                           rotation_can_roll_back(r) ? ", or keyturn rollback " : "",
                           rotation_can_roll_back(r) ? r->integration : "");
}

char *rotation_guidance(const struct rotation *r)
{
    g_autofree char *name = rotation_key_name(r);

    switch (r->state) {
    case ROTATION_AWAITING_KEY:
        return g_strdup_printf(
            "create a %s key named \"%s\" with %s%s in HueChat's dashboard (Settings > API Keys), "
            "then: keyturn import %s",
            environment_name((enum environment)r->environment), name,
            r->full_access ? "Full Access" : "the scopes ", r->full_access ? "" : r->permissions,
            r->integration);
    case ROTATION_AWAITING_DELETION:
        return g_strdup_printf(
            "delete the key ending in %s%s%s%s in HueChat's dashboard (Settings > API Keys), then: "
            "keyturn confirm-deleted %s",
            r->old_last4, r->old_name != NULL ? " named \"" : "", r->old_name != NULL ? r->old_name : "",
            r->old_name != NULL ? "\"" : "", r->integration);
    case ROTATION_HELD:
        return guide_held(r);
    case ROTATION_PLANNED:
    case ROTATION_CREATING:
    case ROTATION_RECONCILING:
    case ROTATION_STORED:
    case ROTATION_VERIFIED:
    case ROTATION_DRAINING:
    case ROTATION_DELETING:
    case ROTATION_DELETED:
    case ROTATION_DONE:
    case ROTATION_ROLLING_BACK:
    case ROTATION_ABORTED:
        break;
    }
    return g_strdup(r->reason != NULL ? r->reason : rotation_state_name((enum rotation_state)r->state));
}
