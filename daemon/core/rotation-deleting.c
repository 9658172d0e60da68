/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deleting and deleted: the old key goes, with proof, and then its secret. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

static struct removal old_key(const struct rotation *r)
{
    return (struct removal){r->old_id, r->old_name, r->old_last4};
}

/* Whether a DELETE that left may have been done. */
static void note_delete(struct rotation *r, const struct rotation_event *e, usec_t now)
{
    if (e->type == EVENT_DELETED && answer_class(e->answer) != ANSWER_UNKNOWN &&
        answer_class(e->answer) != ANSWER_OK)
        r->delete_at = 0;
    if (r->seen.removal == REMOVAL_READY && !is_within(r->delete_at, PROPAGATION_GRACE, now))
        r->delete_at = 0; /* it is still there */
}

static void gone(struct rotation *r, const struct rotation_event *e, usec_t now)
{
    if (e->type == EVENT_DELETED) {
        g_free(r->request_id);
        r->request_id = g_strdup(e->answer->request_id);
    }
    r->deleted_at = now;
    rotation_enter(r, ROTATION_DELETED);
}

void deleting_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    enum removal_result result;

    if (e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
    if (r->old_id == NULL) {
        identity_absorb(r, e, f, step);
        return;
    }
    result = removal_absorb(r, old_key(r), e, f->now);
    note_delete(r, e, f->now);
    switch (result) {
    case REMOVAL_GOING:
        removal_tell(r, old_key(r), e, step);
        return;
    case REMOVAL_DONE:
        gone(r, e, f->now);
        return;
    case REMOVAL_FOREIGN:
    case REMOVAL_NO_PATH:
        removal_hold(r, old_key(r), result);
        return;
    }
}

/* The gates are read from what draining saw; after a restart draining sees anew first. */
static bool must_drain_again(const struct rotation *r, const struct rotation_facts *f)
{
    if (is_by_will(r))
        return false;
    return !r->seen.new_listed || !rotation_may_delete(r, f);
}

/* What is there to delete before anything can be asked. */
static bool is_settled(struct rotation *r)
{
    if (r->old_key == 0 || r->old_dead)
        rotation_enter(r, ROTATION_DELETED);
    else if (!is_by_api(r))
        rotation_enter(r, ROTATION_AWAITING_DELETION);
    return r->state != ROTATION_DELETING;
}

struct rotation_step deleting_decide(struct rotation *r, const struct rotation_facts *f)
{
    struct rotation_step step;

    if (is_settled(r) || f->now < r->next_at)
        return WAIT;
    if (r->old_id == NULL)
        return identity_decide(r, f);
    if (f->paused)
        return WAIT;
    if (r->seen.removal == REMOVAL_READY && f->old_is_current) {
        rotation_hold(r, "the key …%s is in use as a current or management key: it can't be deleted",
                      r->old_last4);
        return WAIT;
    }
    if (r->seen.removal == REMOVAL_READY && must_drain_again(r, f)) {
        bool again = r->seen.drained;

        rotation_enter(r, ROTATION_DRAINING);
        if (again) /* lists that lag, clocks that disagree: they would send it back here at once */
            r->next_at =
                usec_add(f->now, CLAMP(usec_sub(f->now, r->swapped_at) / 8,
                                       CLAMP(f->overlap / 8, USEC_PER_SEC, USEC_PER_MINUTE), USEC_PER_HOUR));
        return WAIT;
    }
    step = removal_decide(r, old_key(r));
    if (step.action == ACTION_DELETE)
        r->delete_at = f->now;
    return step;
}

/* Propagation, or HueChat's DELETE was not true: then a person decides, and the deletion is done again. */
static void is_not_gone(struct rotation *r, usec_t now, const char *what)
{
    if (is_within(r->deleted_at, PROPAGATION_GRACE, now)) {
        rotation_retry_quickly(r, now);
        return;
    }
    r->state = is_by_api(r) ? ROTATION_DELETING : ROTATION_AWAITING_DELETION;
    r->deleted_at = r->delete_at = 0;
    rotation_hold(r, "HueChat deleted the key …%s, but it still %s: look at it in the dashboard",
                  r->old_last4, what);
}

/* Asks the old key until HueChat refuses it: the proof of a DELETE's word. */
static void old_probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
        return;
    }
    switch (e->result == -ENOKEY ? VERDICT_INVALID : rotation_verdict(e)) {
    case VERDICT_INVALID:
        r->seen.old_proved_dead = true;
        return;
    case VERDICT_VALID:
        is_not_gone(r, f->now, "works");
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

static void old_erased(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                       struct rotation_step *step)
{
    if (e->result == 0) {
        r->seen.ours_erased = true;
        step->change = CHANGE_OLD_GONE;
    } else if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
    } else {
        rotation_retry_read(r, NULL, f->now);
    }
}

void deleted_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step)
{
    if (e->type == EVENT_ANNOUNCED)
        r->seen.announced = true;
    else if (e->type == EVENT_PROBED_OLD)
        old_probed(r, e, f);
    else if (e->type == EVENT_ERASED)
        old_erased(r, e, f, step);
    else if (e->type == EVENT_LISTED && r->deleted_at != 0 && find_by_id(e, r->old_id) != NULL)
        is_not_gone(r, f->now, "is listed");
    else
        sweep_absorb(r, rotation_kept_id(r), e, f->now);
    if (e->type != EVENT_PROBED_OLD && e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
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
    if (is_by_api(r) && !r->seen.swept)
        return sweep_decide(r, f);
    g_clear_pointer(&r->reason, g_free);
    rotation_finish(r, ROTATION_DONE, f->now);
    return WAIT;
}
