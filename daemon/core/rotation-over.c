/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Done and aborted. Where a create's outcome was ever unknown, late listings look for what it left; one does
 * where the last listing came so soon after the create that a second key of it may not have been listed yet.
 */
#include "daemon/core/rotation-private.h"

static const usec_t spans[] = {USEC_PER_MINUTE, 10 * USEC_PER_MINUTE, USEC_PER_HOUR, USEC_PER_DAY};

void rotation_finish(struct rotation *r, enum rotation_state state, usec_t now)
{
    rotation_enter(r, state);
    r->finished_at = now;
    if (!is_by_api(r))
        return;
    if (r->outcome_unknown || is_young(r, now))
        r->recheck_at = usec_add(now, spans[0]);
    r->recheck_step = r->outcome_unknown ? 0 : G_N_ELEMENTS(spans) - 1;
}

const char *rotation_kept_id(const struct rotation *r)
{
    return r->swapped_back || r->state == ROTATION_ABORTED ? NULL : r->new_id;
}

void over_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                 struct rotation_step *step)
{
    sweep_absorb(r, rotation_kept_id(r), e, f->now);
    if (e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
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
    if (f->now < r->finished_at) { /* the clock was set back */
        r->finished_at = f->now;
        r->recheck_at = usec_add(f->now, spans[MIN(r->recheck_step, G_N_ELEMENTS(spans) - 1)]);
    }
    if (f->now < r->recheck_at) {
        r->next_at = MAX(r->next_at, r->recheck_at);
        return WAIT;
    }
    return sweep_decide(r, f);
}
