/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Draining: both keys are valid, and the old one waits for its gates. The way back is here too. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

/* How often the listing is read: gate 3's times are hours coarse, and a whole account shares one budget. */
static usec_t pause_between_listings(const struct rotation_facts *f)
{
    return CLAMP(f->overlap / 8, USEC_PER_MINUTE, 3 * USEC_PER_HOUR);
}

static void read_old_use(struct rotation *r, const struct remote_key *old, usec_t now)
{
    if (!r->has_baseline) {
        r->has_baseline = true;
        r->old_used_at = old->last_used_at;
        r->swapped_date = r->seen.date;
    } else if (old->last_used_at != 0 && old->last_used_at != r->old_used_at) {
        r->old_used_at = old->last_used_at;
        r->old_used_moved = now;
        r->old_used_date = r->seen.date;
    }
}

static void listed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    const struct remote_key *old = r->old_id != NULL ? find_by_id(e, r->old_id) : NULL;
    const struct remote_key *new = r->new_id != NULL ? find_by_id(e, r->new_id) : NULL;

    r->seen.date = e->answer->date;
    r->seen.listed_at = f->now;
    r->seen.tries = 0;
    r->seen.new_listed = new != NULL &&g_strcmp0(new->last4, r->new_last4) == 0;
    if (old == NULL) {
        r->again = r->again || r->seen.both_dead;
        rotation_enter(r, ROTATION_DELETING); /* somebody else deleted it: prove that there */
        r->seen.drained = true;
        return;
    }
    if (r->seen.both_dead) {
        rotation_hold(
            r, "HueChat refuses both the new key …%s and the old key …%s: look at them in the dashboard",
            r->new_last4, r->old_last4);
        return;
    }
    if (!r->seen.new_listed && r->seen.gone_since == 0)
        r->seen.gone_since = f->now;
    if (!is_within(r->delete_at, PROPAGATION_GRACE, f->now))
        r->delete_at = 0; /* it is still there: nothing was done */
    read_old_use(r, old, f->now);
}

static void exchange(char **a, char **b)
{
    char *held = *a;

    *a = *b;
    *b = held;
}

/* The new key and the old one change places. */
static void swap_again(struct rotation *r, usec_t now, struct rotation_step *step)
{
    uint64_t key = r->old_key;

    r->old_key = r->new_key;
    r->new_key = key;
    exchange(&r->old_id, &r->new_id);
    exchange(&r->old_last4, &r->new_last4);
    exchange(&r->old_name, &r->new_name);
    r->swapped_back = !r->swapped_back;
    r->swapped_at = now;
    r->swapped_date = 0;
    r->has_baseline = false;
    r->old_used_moved = 0;
    r->delete_at = 0;
    r->probed_at = now;
    rotation_set_reason(r, "back to the key …%s", r->new_last4);
    rotation_enter(r, ROTATION_DRAINING);
    r->seen.announced = false;
    step->change = CHANGE_SWAP;
    step->attention = true;
}

/* Without its secret the new key is no better than a dead one. */
static void new_is_lost(struct rotation *r, usec_t now)
{
    if (r->seen.gone_since == 0)
        r->seen.gone_since = now;
    r->seen.new_lost = true;
    r->seen.probe_old = true;
}

static void new_probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
        return;
    }
    if (e->result == -ENOKEY) {
        new_is_lost(r, f->now);
        return;
    }
    switch (rotation_verdict(e)) {
    case VERDICT_VALID:
        r->probed_at = f->now;
        r->seen.gone_since = 0;
        r->seen.tries = 0;
        return;
    case VERDICT_INVALID:
        if (r->seen.gone_since == 0 || r->seen.gone_since > f->now)
            r->seen.gone_since = f->now;
        if (is_within(r->seen.gone_since, PROPAGATION_GRACE, f->now))
            rotation_retry_quickly(r, f->now);
        else
            r->seen.probe_old = true;
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

/* Both secrets are gone: the old key goes in its time, and the new one is rotated next. */
static void both_are_lost(struct rotation *r, struct rotation_step *step)
{
    rotation_set_reason(r, "the keyring lost the key …%s: it is rotated next", r->new_last4);
    r->seen.gone_since = 0;
    r->again = true;
    step->attention = true;
}

/* HueChat refuses both. If the old one is deleted too, which only a listing tells where there is one, this
 * rotation ends and the new key is replaced. */
static void both_are_dead(struct rotation *r, struct rotation_step *step)
{
    if (is_by_api(r)) {
        r->seen.both_dead = true;
        return;
    }
    rotation_set_reason(r, "neither the new key …%s nor the old key …%s works: another one is needed",
                        r->new_last4, r->old_last4);
    r->again = true;
    step->attention = true;
    rotation_enter(r, ROTATION_DELETED);
    r->seen.old_proved_dead = true;
}

/* There is nothing to go back to. */
static void old_is_no_help(struct rotation *r, const struct rotation_event *e, struct rotation_step *step)
{
    bool is_lost = e->result == -ENOKEY;

    r->seen.probe_old = false;
    r->seen.no_way_back = true;
    if (is_lost && r->seen.new_lost) {
        both_are_lost(r, step);
    } else if (r->seen.gone_since != 0) {
        both_are_dead(r, step);
    } else {
        rotation_set_reason(r, "can't go back to the old key …%s: %s", r->old_last4,
                            is_lost ? "its secret is gone from the keyring" : "HueChat refuses it");
        step->attention = true;
    }
}

static void old_probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                       struct rotation_step *step)
{
    if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
        return;
    }
    switch (e->result == -ENOKEY ? VERDICT_INVALID : rotation_verdict(e)) {
    case VERDICT_VALID:
        swap_again(r, f->now, step);
        return;
    case VERDICT_INVALID:
        old_is_no_help(r, e, step);
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

/* A management key that can't list is no better than a dead one, unless the old one can't either. */
static void list_failed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    if (answer_class(e->answer) != ANSWER_DENIED)
        rotation_retry_read(r, e->answer, f->now);
    else if (is_management(r) && !r->swapped_back && !r->seen.no_way_back)
        r->seen.probe_old = true;
    else
        step->pause = true;
}

void draining_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    if (e->type == EVENT_ANNOUNCED)
        r->seen.announced = true;
    else if (e->type == EVENT_LISTED && e->keys != NULL)
        listed(r, e, f);
    else if (e->type == EVENT_LISTED)
        list_failed(r, e, f, step);
    else if (e->type == EVENT_PROBED_NEW)
        new_probed(r, e, f);
    else if (e->type == EVENT_PROBED_OLD)
        old_probed(r, e, f, step);
    else if (e->type == EVENT_REJECTED && r->seen.gone_since == 0) {
        r->seen.gone_since = f->now;
        r->next_at = 0;
    }
}

/* Shortly after a failed look, and ever more rarely; exactly when a clock is known to open a gate. */
static usec_t next_try(const struct rotation *r, const struct rotation_facts *f)
{
    usec_t pause = CLAMP(usec_sub(f->now, r->swapped_at) / 8, USEC_PER_SEC, USEC_PER_HOUR);
    usec_t left = usec_sub(usec_add(r->swapped_date, f->overlap), r->seen.date);
    usec_t hooks_end = usec_add(r->swapped_at, HOOKS_MAX);

    if (r->compromised && !f->hooks_ran && f->now < hooks_end)
        return hooks_end;
    if (r->swapped_date != 0 && r->seen.date != 0 && left > 0)
        pause = MIN(pause, usec_add(left, USEC_PER_SEC));
    return usec_add(f->now, pause);
}

static void to_deletion(struct rotation *r)
{
    bool listed = r->seen.new_listed, lost = r->seen.new_lost;

    g_clear_pointer(&r->reason, g_free);
    rotation_enter(r, is_by_api(r) ? ROTATION_DELETING : ROTATION_AWAITING_DELETION);
    r->seen.new_listed = listed;
    r->seen.new_lost = lost;
    r->seen.drained = true;
}

/* Past the overlap, with a fresh listing and a fresh probe. */
static struct rotation_step try_gates(struct rotation *r, const struct rotation_facts *f)
{
    const char *why;
    enum gates gates = rotation_gates(r, f, &why);

    if (rotation_may_delete(r, f)) {
        to_deletion(r);
    } else if (gates == GATES_STILL_USED && rotation_elapsed(r, f, f->max_overlap)) {
        rotation_hold(r, "the old key …%s is still used (%s): stop or restart what uses it", r->old_last4,
                      why);
    } else {
        rotation_set_reason(r, "the old key …%s stays: %s", r->old_last4, why);
        r->seen.gates_failed = true;
        if (!rotation_elapsed(r, f, f->overlap))
            r->seen.listed_at = 0; /* HueChat's time is to be asked again, however soon */
        r->next_at = next_try(r, f);
    }
    return WAIT;
}

static bool must_list(const struct rotation *r, const struct rotation_facts *f, usec_t deadline)
{
    if (!is_by_api(r))
        return false;
    if (!r->has_baseline || r->seen.both_dead)
        return true;
    if (f->now < deadline)
        return !is_within(r->seen.listed_at, pause_between_listings(f), f->now);
    return r->seen.listed_at < deadline || !is_within(r->seen.listed_at, USEC_PER_MINUTE, f->now);
}

/* A DELETE that may have been done has to be ruled out first: right after it an old key may still work. */
static struct rotation_step try_old(struct rotation *r, const struct rotation_facts *f)
{
    if (r->delete_at == 0)
        return f->keyring_ready ? STEP(ACTION_PROBE_OLD) : WAIT;
    if (is_within(r->delete_at, PROPAGATION_GRACE, f->now)) {
        r->next_at = usec_add(r->delete_at, PROPAGATION_GRACE);
        return WAIT;
    }
    return f->paused ? WAIT : STEP(ACTION_LIST);
}

struct rotation_step draining_decide(struct rotation *r, const struct rotation_facts *f)
{
    usec_t deadline;

    if (!r->seen.announced)
        return STEP(ACTION_ANNOUNCE);
    rotation_mind_clocks(r, f->now);
    if (f->now < r->next_at)
        return WAIT;
    r->seen.gates_failed = false;
    if (r->seen.probe_old)
        return try_old(r, f);
    if (r->seen.gone_since != 0 && !r->seen.both_dead)
        return f->keyring_ready ? STEP(ACTION_PROBE_NEW) : WAIT;
    deadline = r->compromised ? r->swapped_at : usec_add(r->swapped_at, f->overlap);
    if (must_list(r, f, deadline))
        return f->paused ? WAIT : STEP(ACTION_LIST);
    if (f->now < deadline) {
        r->next_at = MIN(deadline, usec_add(f->now, pause_between_listings(f)));
        return WAIT;
    }
    if (!r->seen.new_lost && !is_within(r->probed_at, PROBE_MAX_AGE, f->now))
        return f->keyring_ready ? STEP(ACTION_PROBE_NEW) : WAIT;
    return try_gates(r, f);
}
