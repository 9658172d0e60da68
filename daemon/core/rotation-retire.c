/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* After the swap: draining with its gates, deleting, deleted, and the late listings of a rotation that has
 * ended. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

static bool by_api(const struct rotation *r)
{
    return r->managed_by == MANAGED_BY_API;
}

/* The only key that may carry this rotation's RID. */
static const char *kept_id(const struct rotation *r)
{
    return r->swapped_back || r->state == ROTATION_ABORTED ? NULL : r->new_id;
}

static bool overlap_is_over(const struct rotation *r, const struct rotation_facts *f)
{
    if (f->now < usec_add(r->swapped_at, f->overlap))
        return false;
    /* By HueChat's clock too. A HueChat that sends no Date leaves ours alone to judge (HACKING.md). */
    return r->swapped_date == 0 || r->seen.date >= usec_add(r->swapped_date, f->overlap);
}

static bool old_is_still(const struct rotation *r)
{
    return r->has_baseline &&
           (r->old_used_moved == 0 || r->seen.date >= usec_add(r->old_used_moved, STILL_FOR));
}

static bool is_fresh(usec_t then, usec_t max_age, usec_t now)
{
    return then != 0 && then <= now && now - then <= max_age;
}

/* The gates of rotation.md, "The gates before a delete"; number 2 rests on the probe and listing in seen. */
bool rotation_gates_hold(const struct rotation *r, const struct rotation_facts *f, const char **ret_why,
                         bool *ret_still_used)
{
    *ret_still_used = false;
    if (f->old_is_current) {
        *ret_why = "the old key is in use as a current or management key";
        return false;
    }
    if (r->cause == CAUSE_REVOKE || r->cause == CAUSE_REMOVE)
        return true;
    if (!is_fresh(r->probed_at, PROBE_MAX_AGE, f->now) || (by_api(r) && !r->seen.new_listed)) {
        *ret_why = "the new key is not proved";
        return false;
    }
    if (r->compromised) {
        *ret_why = "the units' hooks have not ended";
        return f->hooks_ran || f->now >= usec_add(r->swapped_at, 90 * USEC_PER_SEC);
    }
    if (!overlap_is_over(r, f)) {
        *ret_why = "the overlap is not over";
        return false;
    }
    *ret_still_used = true;
    if (by_api(r) && !old_is_still(r)) {
        *ret_why = "HueChat saw the old key used after the swap";
        return false;
    }
    if (f->older_holders > 0) {
        *ret_why = f->holders_text;
        return false;
    }
    *ret_still_used = false;
    return true;
}

static void read_old_use(struct rotation *r, const struct remote_key *old, usec_t now)
{
    if (!r->has_baseline) {
        r->has_baseline = true;
        r->old_used_at = old->last_used_at;
        r->swapped_date = r->seen.date;
    } else if (old->last_used_at > r->old_used_at) {
        r->old_used_at = old->last_used_at;
        r->old_used_moved = r->seen.date != 0 ? r->seen.date : now;
    }
    if (r->seen.date == 0)
        r->seen.date = now;
}

static void draining_listed(struct rotation *r, const struct rotation_event *e,
                            const struct rotation_facts *f)
{
    const struct remote_key *old = r->old_id != NULL ? find_by_id(e, r->old_id) : NULL;
    const struct remote_key *new = r->new_id != NULL ? find_by_id(e, r->new_id) : NULL;

    r->seen.listed_at = f->now;
    r->seen.tries = 0;
    r->seen.new_listed = new != NULL &&g_strcmp0(new->last4, r->new_last4) == 0;
    if (old != NULL)
        read_old_use(r, old, f->now);
    else if (r->old_id != NULL)
        rotation_enter(r, ROTATION_DELETING); /* somebody else deleted it: prove that there */
}

/* The new key and the old one change places: the second swap. */
static void swap_back(struct rotation *r, usec_t now, struct rotation_step *step)
{
    uint64_t key = r->old_key;
    char *id = r->old_id, *last4 = r->old_last4;

    g_free(r->old_name);
    r->old_name = rotation_key_name(r);
    r->old_key = r->new_key;
    r->old_id = r->new_id;
    r->old_last4 = r->new_last4;
    r->new_key = key;
    r->new_id = id;
    r->new_last4 = last4;
    r->swapped_back = true;
    r->swapped_at = now;
    r->swapped_date = 0;
    r->has_baseline = false;
    r->old_used_moved = 0;
    r->probed_at = now;
    rotation_set_reason(r, "rolled back to the old key");
    rotation_enter(r, ROTATION_DRAINING);
    r->seen.announced = false;
    step->change = CHANGE_SWAP;
    step->attention = true;
}

static enum verdict verdict_of(const struct rotation_event *e)
{
    return e->answer != NULL ? answer_verdict(e->answer) : VERDICT_UNKNOWN;
}

static void draining_new_probed(struct rotation *r, const struct rotation_event *e,
                                const struct rotation_facts *f)
{
    if (e->result == -EAGAIN)
        return;
    if (e->result == -ENOKEY) {
        rotation_hold(r, "the new key's secret is gone from the keyring");
        return;
    }
    switch (verdict_of(e)) {
    case VERDICT_VALID:
        r->probed_at = f->now;
        r->seen.gone_since = 0;
        r->seen.tries = 0;
        return;
    case VERDICT_INVALID:
        if (r->seen.gone_since == 0)
            r->seen.gone_since = f->now;
        if (f->now < usec_add(MAX(r->created_at, r->seen.gone_since), PROPAGATION_GRACE))
            rotation_retry_quickly(r, f->now);
        else if (r->swapped_back)
            rotation_hold(r, "HueChat refuses both the old and the new key");
        else
            r->seen.probe_old = true;
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

static void draining_old_probed(struct rotation *r, const struct rotation_event *e,
                                const struct rotation_facts *f, struct rotation_step *step)
{
    if (e->result == -EAGAIN)
        return;
    if (e->result == -ENOKEY) {
        rotation_hold(r, "the old key's secret is gone from the keyring: there is nothing to roll back to");
        return;
    }
    switch (verdict_of(e)) {
    case VERDICT_VALID:
        swap_back(r, f->now, step);
        return;
    case VERDICT_INVALID:
        rotation_hold(r, "HueChat refuses the old key: there is nothing to roll back to");
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

void draining_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    if (e->type == EVENT_ANNOUNCED)
        r->seen.announced = true;
    else if (e->type == EVENT_LISTED && e->keys != NULL)
        draining_listed(r, e, f);
    else if (e->type == EVENT_LISTED && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
    else if (e->type == EVENT_LISTED)
        rotation_retry_read(r, e->answer, f->now);
    else if (e->type == EVENT_PROBED_NEW)
        draining_new_probed(r, e, f);
    else if (e->type == EVENT_PROBED_OLD)
        draining_old_probed(r, e, f, step);
}

static usec_t deadline_of(const struct rotation *r, const struct rotation_facts *f)
{
    return r->compromised ? r->swapped_at : usec_add(r->swapped_at, f->overlap);
}

/* Past the overlap and not allowed to delete: look again soon, or give up at MaxOverlap. */
static void wait_for_gates(struct rotation *r, const struct rotation_facts *f, const char *why,
                           bool still_used)
{
    usec_t pause = CLAMP(f->overlap / 4, USEC_PER_SEC, USEC_PER_HOUR);

    if (still_used && f->now >= usec_add(r->swapped_at, f->max_overlap)) {
        if (f->delete_if_still_used)
            rotation_enter(r, ROTATION_DELETING);
        else
            rotation_hold(r, "the old key …%s is still used: %s", r->old_last4, why);
        return;
    }
    if (!r->compromised && f->overlap <= USEC_PER_MINUTE)
        pause = USEC_PER_SEC;
    rotation_set_reason(r, "the old key stays: %s", why);
    r->seen.listed_at = 0;
    r->next_at = usec_add(f->now, pause);
}

struct rotation_step draining_decide(struct rotation *r, const struct rotation_facts *f)
{
    usec_t deadline;
    const char *why;
    bool still_used;

    if (!r->seen.announced)
        return STEP(ACTION_ANNOUNCE);
    if (f->now < r->swapped_at)
        r->swapped_at = f->now; /* the clock was set back: the overlap starts again */
    if (f->now < r->next_at)
        return WAIT;
    if (r->seen.probe_old)
        return f->keyring_ready ? STEP(ACTION_PROBE_OLD) : WAIT;
    if (r->seen.gone_since != 0)
        return f->keyring_ready ? STEP(ACTION_PROBE_NEW) : WAIT;
    if (by_api(r) && !r->has_baseline)
        return f->paused ? WAIT : STEP(ACTION_LIST);
    deadline = deadline_of(r, f);
    if (f->now < deadline && (!by_api(r) || is_fresh(r->seen.listed_at, USEC_PER_HOUR, f->now))) {
        r->next_at = MIN(deadline, usec_add(f->now, USEC_PER_HOUR));
        return WAIT;
    }
    if (by_api(r) && (r->seen.listed_at < deadline || !is_fresh(r->seen.listed_at, USEC_PER_MINUTE, f->now)))
        return f->paused ? WAIT : STEP(ACTION_LIST);
    if (!is_fresh(r->probed_at, PROBE_MAX_AGE, f->now))
        return f->keyring_ready ? STEP(ACTION_PROBE_NEW) : WAIT;
    if (rotation_gates_hold(r, f, &why, &still_used)) {
        bool listed = r->seen.new_listed;
        rotation_enter(r, by_api(r) ? ROTATION_DELETING : ROTATION_AWAITING_DELETION);
        r->seen.new_listed = listed;
        return WAIT;
    }
    wait_for_gates(r, f, why, still_used);
    return WAIT;
}

void deleting_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    struct removal key = {r->old_id, r->old_name, r->old_last4};

    if (e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
    switch (removal_absorb(r, key, e, f->now)) {
    case REMOVAL_GOING:
        return;
    case REMOVAL_DONE:
        if (e->type == EVENT_DELETED) {
            g_free(r->request_id);
            r->request_id = g_strdup(e->answer->request_id);
        }
        r->deleted_at = f->now;
        rotation_enter(r, ROTATION_DELETED);
        return;
    case REMOVAL_FOREIGN:
        rotation_hold(r, "key %s at HueChat is not the one in the ledger (…%s)", r->old_id, r->old_last4);
        return;
    case REMOVAL_NO_PATH:
        rotation_hold(r, "HueChat lists key %s but answers 404 to its deletion: check KeysPath", r->old_id);
        return;
    }
}

/* The gates are read from what draining saw; after a restart draining sees anew first. */
static bool must_drain_again(const struct rotation *r, const struct rotation_facts *f)
{
    const char *why;
    bool still_used;

    if (r->cause == CAUSE_REVOKE || r->cause == CAUSE_REMOVE)
        return false;
    if (f->delete_if_still_used && f->now >= usec_add(r->swapped_at, f->max_overlap))
        return false;
    return !r->seen.new_listed || !rotation_gates_hold(r, f, &why, &still_used);
}

struct rotation_step deleting_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (f->paused || f->now < r->next_at)
        return WAIT;
    if (f->old_is_current) {
        rotation_hold(r, "the key …%s is in use as a current or management key", r->old_last4);
        return WAIT;
    }
    if (r->seen.removal == REMOVAL_READY && must_drain_again(r, f)) {
        rotation_enter(r, ROTATION_DRAINING);
        r->seen.announced = true;
        return WAIT;
    }
    return removal_decide(r, (struct removal){r->old_id, r->old_name, r->old_last4});
}

/* Asks the old key until HueChat refuses it: the only proof of a person's word, and of a DELETE's. */
static void prove_dead(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                       usec_t since)
{
    if (e->result == -EAGAIN)
        return;
    if (e->result == -ENOKEY) {
        r->seen.old_proved_dead = true;
        return;
    }
    switch (verdict_of(e)) {
    case VERDICT_INVALID:
        r->seen.old_proved_dead = true;
        return;
    case VERDICT_VALID:
        if (f->now < usec_add(since, PROPAGATION_GRACE)) {
            rotation_retry_quickly(r, f->now);
        } else if (r->state == ROTATION_AWAITING_DELETION) {
            rotation_set_reason(r, "the old key …%s still works", r->old_last4);
            r->deleted_at = 0;
        } else {
            rotation_hold(r, "HueChat deleted the key …%s, but it still works", r->old_last4);
        }
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

void awaiting_deletion_absorb(struct rotation *r, const struct rotation_event *e,
                              const struct rotation_facts *f, struct rotation_step *step)
{
    if (e->type == EVENT_CONFIRM) {
        r->deleted_at = f->now;
        r->next_at = 0;
        r->seen.tries = 0;
    } else if (e->type == EVENT_PROBED_OLD) {
        prove_dead(r, e, f, r->deleted_at);
    }
}

struct rotation_step awaiting_deletion_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->seen.old_proved_dead) {
        rotation_enter(r, ROTATION_DELETED);
        r->seen.old_proved_dead = true;
        return WAIT;
    }
    if (r->deleted_at != 0)
        return f->keyring_ready && f->now >= r->next_at ? STEP(ACTION_PROBE_OLD) : WAIT;
    if (r->reminded_at != 0 && f->now < usec_add(r->reminded_at, USEC_PER_DAY)) {
        r->next_at = usec_add(r->reminded_at, USEC_PER_DAY);
        return WAIT;
    }
    r->reminded_at = f->now;
    return STEP(ACTION_REMIND);
}

void deleted_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step)
{
    if (e->type == EVENT_RESUME)
        r->deleted_at = f->now;
    if (e->type == EVENT_ANNOUNCED)
        r->seen.announced = true;
    else if (e->type == EVENT_PROBED_OLD)
        prove_dead(r, e, f, r->deleted_at);
    else if (e->type == EVENT_ERASED && e->result == 0) {
        r->seen.ours_erased = true;
        step->change = CHANGE_OLD_GONE;
    } else if (e->type == EVENT_ERASED && e->result != -EAGAIN)
        rotation_retry_read(r, NULL, f->now);
    else
        sweep_absorb(r, kept_id(r), e, f->now);
    if (e->type == EVENT_LISTED && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
}

static void finish(struct rotation *r, usec_t now)
{
    rotation_enter(r, ROTATION_DONE);
    g_clear_pointer(&r->reason, g_free);
    r->finished_at = now;
    if (r->outcome_unknown) {
        r->recheck_step = 0;
        r->recheck_at = usec_add(now, USEC_PER_MINUTE);
    }
}

struct rotation_step deleted_decide(struct rotation *r, const struct rotation_facts *f)
{
    bool proved = r->old_key == 0 || r->old_dead || r->seen.old_proved_dead || !f->old_secret_known;

    if (!r->seen.announced && rotation_is_swapped(r))
        return STEP(ACTION_ANNOUNCE);
    if (f->now < r->next_at)
        return WAIT;
    if (!proved)
        return f->keyring_ready ? STEP(ACTION_PROBE_OLD) : WAIT;
    if (r->old_key != 0 && !r->seen.ours_erased)
        return f->keyring_ready ? STEP(ACTION_ERASE) : WAIT;
    if (by_api(r) && r->attempt > 0 && !r->seen.swept)
        return sweep_decide(r, f);
    finish(r, f->now);
    return WAIT;
}

void over_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                 struct rotation_step *step)
{
    static const usec_t spans[] = {USEC_PER_MINUTE, 10 * USEC_PER_MINUTE, USEC_PER_HOUR, USEC_PER_DAY};

    sweep_absorb(r, kept_id(r), e, f->now);
    if (e->type == EVENT_LISTED && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
    if (!r->seen.swept)
        return;
    r->seen.swept = false;
    r->recheck_step++;
    r->recheck_at =
        r->recheck_step < G_N_ELEMENTS(spans) ? usec_add(r->finished_at, spans[r->recheck_step]) : 0;
}

struct rotation_step over_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->recheck_at == 0)
        return STEP(ACTION_END);
    if (f->now < r->recheck_at) {
        r->next_at = r->recheck_at;
        return WAIT;
    }
    return sweep_decide(r, f);
}
