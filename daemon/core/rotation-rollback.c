/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rolling back, before the swap only: the new key goes, the old one was never touched. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

static struct removal new_key(const struct rotation *r)
{
    return (struct removal){r->new_id, r->new_name, r->new_last4};
}

static bool new_is_there(const struct rotation *r)
{
    return r->new_id != NULL && r->target_id == NULL && r->seen.removal != REMOVAL_GONE;
}

static void erased(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step)
{
    if (e->result == 0) {
        r->seen.ours_erased = true;
        step->change = CHANGE_NEW_GONE;
    } else if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
    } else {
        rotation_retry_read(r, NULL, f->now);
    }
}

/* HueChat told another end of it than it has: by its name it is ours, so the sweep takes it for a stray. */
static bool is_ours_by_name(const struct rotation *r, const struct rotation_event *e)
{
    const struct remote_key *found = e->type == EVENT_GOT ? e->key : find_by_id(e, r->new_id);

    return r->new_name != NULL && found != NULL && g_strcmp0(found->name, r->new_name) == 0;
}

void rolling_back_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                         struct rotation_step *step)
{
    enum removal_result result;

    if (e->type == EVENT_ERASED) {
        erased(r, e, f, step);
        return;
    }
    if (e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
    if (!new_is_there(r)) {
        sweep_absorb(r, NULL, e, f->now);
        return;
    }
    result = removal_absorb(r, new_key(r), e, f->now);
    if (result == REMOVAL_FOREIGN && is_ours_by_name(r, e)) {
        r->seen.removal = REMOVAL_GONE;
    } else if (result == REMOVAL_FOREIGN || result == REMOVAL_NO_PATH) {
        removal_hold(r, new_key(r), result);
    } else if (result == REMOVAL_DONE && e->type == EVENT_LISTED && is_young(r, f->now)) {
        r->seen.removal = REMOVAL_LOOK; /* so new that it may not be listed yet */
        rotation_retry_quickly(r, f->now);
    } else {
        removal_tell(r, new_key(r), e, step);
    }
}

/* Deletes, then looks whether nothing carries this RID any more; a create that may be on its way is waited
 * for.
 */
static struct rotation_step clear_huechat(struct rotation *r, const struct rotation_facts *f)
{
    usec_t settled = usec_add(r->sent_at, 2 * f->timeout);

    if (f->paused)
        return WAIT;
    if (new_is_there(r))
        return removal_decide(r, new_key(r));
    if (r->new_id == NULL && is_within(r->sent_at, 2 * f->timeout, f->now)) {
        r->next_at = settled;
        return WAIT;
    }
    return sweep_decide(r, f);
}

/* Nothing is left of the new key. */
static void end(struct rotation *r, usec_t now)
{
    if (!r->make_another) {
        if (!is_by_api(r) && r->new_key != 0)
            rotation_set_reason(r, "%s; delete the key …%s in HueChat's dashboard",
                                r->reason != NULL ? r->reason : "rolled back", r->new_last4);
        rotation_finish(r, ROTATION_ABORTED, now);
        return;
    }
    r->make_another = false;
    rotation_forget_new(r);
    if (!is_by_api(r)) {
        rotation_enter(r, ROTATION_AWAITING_KEY);
        return;
    }
    r->attempt++;
    r->sent_at = 0;
    rotation_enter(r, ROTATION_CREATING);
}

struct rotation_step rolling_back_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (f->now < r->next_at)
        return WAIT;
    if (is_by_api(r) && r->attempt > 0 && !r->seen.swept)
        return clear_huechat(r, f);
    if (r->new_key != 0 && !r->seen.ours_erased)
        return f->keyring_ready ? STEP(ACTION_ERASE) : WAIT;
    end(r, f->now);
    return WAIT;
}
