/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two steps that only a person can do where keyturn may not manage keys: create one, delete one. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

static void supplied(struct rotation *r, const struct remote_key *key, usec_t now, struct rotation_step *step)
{
    rotation_forget_new(r);
    r->new_id = g_strdup(key->id);
    r->new_last4 = g_strdup(key->last4);
    r->new_created_at = key->created_at;
    r->created_at = now;
    r->next_at = 0;
    r->seen.have_secret = true;
    step->change = CHANGE_NEW_KEY;
}

void awaiting_key_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                         struct rotation_step *step)
{
    if (e->type == EVENT_SUPPLIED)
        supplied(r, e->key, f->now, step);
    else if (e->type == EVENT_STORED)
        rotation_stored(r, e, f);
}

struct rotation_step awaiting_key_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->seen.have_secret)
        return f->keyring_ready && f->now >= r->next_at ? STEP(ACTION_STORE) : WAIT;
    if (r->new_key != 0) {
        rotation_set_reason(
            r, "keyturnd was stopped before the new key was stored: it has to be imported again");
        r->make_another = true;
        rotation_enter(r, ROTATION_ROLLING_BACK);
        return WAIT;
    }
    return rotation_remind(r, f->now);
}

static void old_probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                       struct rotation_step *step)
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
        if (is_within(r->deleted_at, PROPAGATION_GRACE, f->now)) {
            rotation_retry_quickly(r, f->now);
            return;
        }
        rotation_set_reason(r, "the key …%s still works: delete it in HueChat's dashboard", r->old_last4);
        r->deleted_at = 0;
        step->attention = true;
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
        old_probed(r, e, f, step);
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
    return rotation_remind(r, f->now);
}
