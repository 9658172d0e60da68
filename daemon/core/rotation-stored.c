/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stored and verified: the new key is looked up and tried, as the keyring has it; then comes the swap. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

/* A swap follows its probe closely, or the probe is made again. */
#define PROBE_BEFORE_SWAP USEC_PER_MINUTE

static void fail(struct rotation *r, const char *reason)
{
    rotation_set_reason(r, "%s: another one is made tomorrow", reason);
    rotation_enter(r, ROTATION_ROLLING_BACK);
}

static void compare(struct rotation *r, const struct remote_key *key)
{
    const char *problem = g_strcmp0(key->last4, r->new_last4) != 0
                              ? "HueChat's new key does not end as HueChat said"
                              : rotation_misfit(r, key, SECRET_FITS);

    if (problem != NULL)
        fail(r, problem);
    else
        r->seen.looked = true;
}

static void got(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    switch (answer_class(e->answer)) {
    case ANSWER_OK:
        compare(r, e->key);
        return;
    case ANSWER_ABSENT:
        r->seen.must_list = !is_young(r, f->now);
        if (!r->seen.must_list)
            rotation_retry_quickly(r, f->now);
        return;
    case ANSWER_LIMITED:
    case ANSWER_DENIED:
    case ANSWER_REFUSED:
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

static void listed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    const struct remote_key *key = find_by_id(e, r->new_id);

    if (e->keys == NULL)
        rotation_retry_read(r, e->answer, f->now);
    else if (key != NULL)
        compare(r, key);
    else
        fail(r, "HueChat does not have the new key any more");
}

static void probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step)
{
    if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
        return;
    }
    if (e->result == -ENOKEY) {
        fail(r, "the keyring lost the new key");
        return;
    }
    switch (rotation_verdict(e)) {
    case VERDICT_VALID:
        r->probed_at = f->now;
        rotation_enter(r, ROTATION_VERIFIED);
        return;
    case VERDICT_INVALID:
        if (is_young(r, f->now))
            rotation_retry_quickly(r, f->now);
        else
            fail(r, "HueChat refuses the new key");
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
    if (r->seen.tries == MANY_FAILURES) {
        rotation_set_reason(r, "the new key can't be tried (%s): see keyturn doctor",
                            e->answer != NULL ? e->answer->message : "the keyring failed");
        step->attention = true;
    }
}

void stored_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step)
{
    if (e->type == EVENT_GOT)
        got(r, e, f);
    else if (e->type == EVENT_LISTED)
        listed(r, e, f);
    else if (e->type == EVENT_PROBED_NEW)
        probed(r, e, f, step);
    if ((e->type == EVENT_GOT || e->type == EVENT_LISTED) && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
}

struct rotation_step stored_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (!f->keyring_ready || f->now < r->next_at)
        return WAIT;
    if (is_by_api(r) && !r->seen.looked) {
        if (f->paused)
            return WAIT;
        return r->seen.must_list ? STEP(ACTION_LIST)
                                 : (struct rotation_step){.action = ACTION_GET, .id = r->new_id};
    }
    /* All integrations will depend on it at once: no 401 may come from propagation then. */
    if (is_management(r) && is_within(r->created_at, PROPAGATION_GRACE, f->now)) {
        r->next_at = usec_add(r->created_at, PROPAGATION_GRACE);
        return WAIT;
    }
    return STEP(ACTION_PROBE_NEW);
}

void verified_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    if (e->type != EVENT_SWAPPED || !is_within(r->probed_at, PROBE_BEFORE_SWAP, f->now))
        return;
    r->swapped_at = f->now;
    r->failures = 0;
    g_clear_pointer(&r->reason, g_free);
    rotation_enter(r, r->old_key == 0 || r->old_dead ? ROTATION_DELETED : ROTATION_DRAINING);
    r->seen.announced = false;
    step->change = CHANGE_SWAP;
}

struct rotation_step verified_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (is_within(r->probed_at, PROBE_BEFORE_SWAP, f->now))
        return STEP(ACTION_SWAP);
    rotation_enter(r, ROTATION_STORED);
    return WAIT;
}
