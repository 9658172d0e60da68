/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reconciling: a create's outcome is unknown. Whatever carries this rotation's RID is deleted, since its
 * secret is lost; then another attempt is made. */
#include "daemon/core/rotation-private.h"

void rotation_forget_new(struct rotation *r)
{
    g_clear_pointer(&r->new_id, g_free);
    g_clear_pointer(&r->new_last4, g_free);
    g_clear_pointer(&r->new_name, g_free);
    r->new_key = 0;
}

void reconciling_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    sweep_absorb(r, NULL, e, f->now);
    if (e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
}

/* Absence counts only once the create can't be on its way any more; a match counts at once. */
static bool is_settled(struct rotation *r, const struct rotation_facts *f)
{
    if (r->sent_at > f->now)
        r->sent_at = f->now; /* the clock was set back */
    return r->seen.removed_stray || f->now >= usec_add(r->sent_at, 2 * f->timeout);
}

struct rotation_step reconciling_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (!r->seen.swept)
        return sweep_decide(r, f);
    if (!is_settled(r, f)) {
        rotation_retry_quickly(r, f->now);
        r->next_at = MIN(r->next_at, usec_add(r->sent_at, 2 * f->timeout));
        r->seen.swept = false;
        return WAIT;
    }
    if (r->refusals >= MAX_REFUSALS) {
        rotation_set_reason(r, "HueChat failed to create a key %u times: see keyturn doctor", MAX_REFUSALS);
        rotation_enter(r, ROTATION_ROLLING_BACK);
        return WAIT;
    }
    r->attempt++;
    r->sent_at = 0;
    rotation_enter(r, ROTATION_CREATING);
    if (r->failures > 0) {
        r->failures--;
        rotation_back_off(r, NULL, f->now);
    }
    return WAIT;
}
