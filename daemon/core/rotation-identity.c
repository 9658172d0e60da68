/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which key at HueChat is the old one: by its id, or, once, by type and last 4 of a key that is proved to
 * work (an imported key has no id yet). Reads only. */
#include "daemon/core/rotation-private.h"

#include <errno.h>
#include <string.h>

static bool is_old(const struct rotation *r, const struct remote_key *key)
{
    return key->type == r->environment && g_strcmp0(key->last4, r->old_last4) == 0 &&
           (r->old_name == NULL || g_strcmp0(key->name, r->old_name) == 0);
}

static bool must_adopt(const struct rotation *r)
{
    return r->old_key != 0 && r->old_id == NULL;
}

static void hold_unlisted(struct rotation *r)
{
    rotation_hold(
        r,
        "the key …%s works, but HueChat does not list it for the management key: log in with the management "
        "key of its account",
        r->old_last4);
}

static void hold_other(struct rotation *r)
{
    rotation_hold(r, "key %s at HueChat is not the one in the ledger (…%s): look at it in the dashboard",
                  r->old_id, r->old_last4);
}

/* Only if it is unique; and it works, so it is one of those that are listed. */
static void adopt(struct rotation *r, const struct rotation_event *e, struct rotation_step *step)
{
    const struct remote_key *match = NULL;
    unsigned matches = 0;

    for (size_t i = 0; i < e->n_keys; i++)
        if (is_old(r, &e->keys[i])) {
            match = &e->keys[i];
            matches++;
        }
    if (matches > 1) {
        rotation_hold(r, "%u keys at HueChat end in %s: say which one is ours with keyturn import %s --id ID",
                      matches, r->old_last4, r->integration);
    } else if (matches == 1) {
        r->old_id = g_strdup(match->id);
        r->seen.looked = true;
        step->change = CHANGE_ADOPT;
    } else {
        hold_unlisted(r);
    }
}

static void listed(struct rotation *r, const struct rotation_event *e, struct rotation_step *step)
{
    const struct remote_key *key;

    r->seen.must_list = false;
    if (r->old_key == 0) {
        r->seen.looked = true;
        return;
    }
    if (must_adopt(r)) {
        adopt(r, e, step);
        return;
    }
    key = find_by_id(e, r->old_id);
    if (key == NULL)
        r->seen.probe_old = true;
    else if (is_old(r, key))
        r->seen.looked = true;
    else
        hold_other(r);
}

/* Nothing tells the key apart from others: it is left alone, and a person is told. */
static void lost(struct rotation *r, struct rotation_step *step)
{
    if (is_by_will(r)) {
        rotation_hold(
            r, "the secret of the key …%s is lost and its id unknown: delete it in HueChat's dashboard",
            r->old_last4);
        return;
    }
    rotation_set_reason(
        r, "the secret of the key …%s is lost and its id unknown: delete it in HueChat's dashboard",
        r->old_last4);
    step->attention = true;
    r->old_dead = true;
}

static void probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step)
{
    if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
        return;
    }
    if (e->result == -ENOKEY && must_adopt(r)) {
        lost(r, step);
        return;
    }
    switch (e->result == -ENOKEY ? VERDICT_INVALID : rotation_verdict(e)) {
    case VERDICT_VALID:
        if (r->seen.probe_old)
            hold_unlisted(r);
        r->seen.old_works = true;
        break;
    case VERDICT_INVALID:
        r->old_dead = true;
        r->seen.probe_old = false;
        break;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
        break;
    }
}

/* A read that did not bring what it should. */
static void failed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step)
{
    const char *environment = environment_name((enum environment)r->environment);

    switch (answer_class(e->answer)) {
    case ANSWER_DENIED:
        step->pause = true;
        rotation_give_up(r, f->now, "HueChat refuses the management key (%s): keyturn login %s",
                         e->answer->message, environment);
        return;
    case ANSWER_LIMITED:
        rotation_retry_read(r, e->answer, f->now);
        return;
    case ANSWER_OK: /* a listing that does not count */
        if (r->seen.tries < MANY_FAILURES) {
            rotation_retry_read(r, e->answer, f->now);
            return;
        }
        break;
    case ANSWER_ABSENT:
    case ANSWER_REFUSED:
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        break;
    }
    if (!rotation_give_up(r, f->now, "HueChat's key list can't be read (%s): keyturn doctor tells more",
                          e->answer->message))
        rotation_retry_read(r, e->answer, f->now);
}

static void got(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                struct rotation_step *step)
{
    switch (answer_class(e->answer)) {
    case ANSWER_OK:
        if (is_old(r, e->key))
            r->seen.looked = true;
        else
            hold_other(r);
        return;
    case ANSWER_ABSENT:
        r->seen.must_list = true;
        return;
    case ANSWER_LIMITED:
    case ANSWER_DENIED:
    case ANSWER_REFUSED:
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        failed(r, e, f, step);
    }
}

void identity_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    if (e->type == EVENT_GOT)
        got(r, e, f, step);
    else if (e->type == EVENT_LISTED && e->keys != NULL)
        listed(r, e, step);
    else if (e->type == EVENT_LISTED)
        failed(r, e, f, step);
    else if (e->type == EVENT_PROBED_OLD)
        probed(r, e, f, step);
}

struct rotation_step identity_decide(struct rotation *r, const struct rotation_facts *f)
{
    bool adopting;

    if (must_adopt(r))
        r->old_id = g_strdup(f->old_id); /* a person has named it since; it is looked up all the same */
    adopting = must_adopt(r);
    if (f->now < r->next_at)
        return WAIT;
    if (r->seen.probe_old || (adopting && !r->seen.old_works))
        return f->keyring_ready ? STEP(ACTION_PROBE_OLD) : WAIT;
    if (f->paused)
        return WAIT;
    if (r->old_key == 0 || adopting || r->seen.must_list)
        return STEP(ACTION_LIST);
    return (struct rotation_step){.action = ACTION_GET, .id = r->old_id};
}
