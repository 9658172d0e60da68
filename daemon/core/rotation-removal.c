/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing one key with proof, and the sweep: the two things that several states do in the same way. */
#include "daemon/core/rotation-private.h"

#include <string.h>

const struct remote_key *find_by_id(const struct rotation_event *e, const char *id)
{
    for (size_t i = 0; i < e->n_keys; i++)
        if (strcmp(e->keys[i].id, id) == 0)
            return &e->keys[i];
    return NULL;
}

struct rotation_step removal_decide(const struct rotation *r, struct removal key)
{
    switch (r->seen.removal) {
    case REMOVAL_LOOK:
        return (struct rotation_step){.action = ACTION_GET, .id = key.id};
    case REMOVAL_LIST:
        return STEP(ACTION_LIST);
    case REMOVAL_READY:
        return (struct rotation_step){.action = ACTION_DELETE, .id = key.id};
    case REMOVAL_GONE:
        break;
    }
    return WAIT;
}

void removal_hold(struct rotation *r, struct removal key, enum removal_result result)
{
    if (result == REMOVAL_FOREIGN)
        rotation_hold(r, "key %s at HueChat is not the one in the ledger (…%s): look at it in the dashboard",
                      key.id, key.last4);
    else
        rotation_hold(r,
                      "HueChat lists key %s but answers 404 to its deletion: check KeysPath= in keyturn.conf",
                      key.id);
}

void removal_tell(struct rotation *r, struct removal key, const struct rotation_event *e,
                  struct rotation_step *step)
{
    if (e->type != EVENT_DELETED || r->failures != MANY_FAILURES)
        return;
    rotation_set_reason(r, "HueChat does not delete the key …%s (%s): it is tried again", key.last4,
                        e->answer->message);
    step->attention = true;
}

static bool is_the_key(const struct rotation *r, struct removal key, const struct remote_key *found)
{
    return strcmp(found->id, key.id) == 0 && found->type == r->environment &&
           g_strcmp0(found->last4, key.last4) == 0 &&
           (key.name == NULL || g_strcmp0(found->name, key.name) == 0);
}

static enum removal_result absorb_deleted(struct rotation *r, const struct answer *answer, usec_t now)
{
    switch (answer_class(answer)) {
    case ANSWER_OK:
        r->seen.removal = REMOVAL_GONE;
        if (r->target_id == NULL)
            r->failures = 0; /* a stray is the fruit of a failed create, which is still to be paid for */
        return REMOVAL_DONE;
    case ANSWER_ABSENT:
        r->seen.deny_delete = true;
        r->seen.removal = REMOVAL_LOOK;
        rotation_retry_quickly(r, now);
        return REMOVAL_GOING;
    case ANSWER_LIMITED:
    case ANSWER_DENIED:
    case ANSWER_REFUSED:
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        break;
    }
    r->seen.removal = REMOVAL_LOOK;
    rotation_back_off(r, answer, now);
    return REMOVAL_GOING;
}

static enum removal_result found(struct rotation *r, struct removal key, const struct remote_key *remote)
{
    if (!is_the_key(r, key, remote))
        return REMOVAL_FOREIGN;
    if (r->seen.deny_delete)
        return REMOVAL_NO_PATH;
    r->seen.removal = REMOVAL_READY;
    return REMOVAL_GOING;
}

enum removal_result removal_absorb(struct rotation *r, struct removal key, const struct rotation_event *e,
                                   usec_t now)
{
    const struct remote_key *remote;

    if (e->type == EVENT_WAKE && r->seen.removal != REMOVAL_GONE)
        r->seen.removal = REMOVAL_LOOK;
    if (e->type == EVENT_DELETED)
        return absorb_deleted(r, e->answer, now);
    if (e->type == EVENT_GOT && answer_class(e->answer) == ANSWER_OK)
        return found(r, key, e->key);
    if (e->type == EVENT_GOT && answer_class(e->answer) == ANSWER_ABSENT) {
        r->seen.removal = REMOVAL_LIST;
        return REMOVAL_GOING;
    }
    if (e->type == EVENT_LISTED && e->keys != NULL) {
        remote = find_by_id(e, key.id);
        if (remote != NULL)
            return found(r, key, remote);
        r->seen.removal = REMOVAL_GONE;
        return REMOVAL_DONE;
    }
    if (e->type == EVENT_GOT || e->type == EVENT_LISTED)
        rotation_retry_read(r, e->answer, now);
    return REMOVAL_GOING;
}

static void forget_target(struct rotation *r)
{
    g_clear_pointer(&r->target_id, g_free);
    g_clear_pointer(&r->target_name, g_free);
    g_clear_pointer(&r->target_last4, g_free);
    r->seen.removal = REMOVAL_LOOK;
    r->seen.deny_delete = false;
}

static struct removal target_of(const struct rotation *r)
{
    return (struct removal){r->target_id, r->target_name, r->target_last4};
}

struct rotation_step sweep_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (f->paused || f->now < r->next_at)
        return WAIT;
    return r->target_id != NULL ? removal_decide(r, target_of(r)) : STEP(ACTION_LIST);
}

/* A key of ours that nobody adopted: note it, so that its DELETE has its intent on disk. */
static bool aim_at_stray(struct rotation *r, const char *keep, const struct rotation_event *e)
{
    for (size_t i = 0; i < e->n_keys; i++) {
        const struct remote_key *key = &e->keys[i];

        if (!rotation_made(r, key->name) || key->type != r->environment || g_strcmp0(key->id, keep) == 0)
            continue;
        r->target_id = g_strdup(key->id);
        r->target_name = g_strdup(key->name);
        r->target_last4 = g_strdup(key->last4);
        r->seen.removal = REMOVAL_LOOK;
        return true;
    }
    return false;
}

static void remove_stray(struct rotation *r, const struct rotation_event *e, usec_t now)
{
    struct removal key = target_of(r);
    enum removal_result result = removal_absorb(r, key, e, now);

    switch (result) {
    case REMOVAL_GOING:
        return;
    case REMOVAL_DONE:
        r->seen.removed_stray = true;
        forget_target(r);
        rotation_retry_quickly(r, now);
        return;
    case REMOVAL_FOREIGN: /* it changed under us */
        forget_target(r);
        rotation_retry_read(r, NULL, now);
        return;
    case REMOVAL_NO_PATH:
        break;
    }
    r->seen.removal = REMOVAL_LOOK;
    r->seen.deny_delete = false;
    if (rotation_is_over(r))
        rotation_back_off(r, NULL, now);
    else
        removal_hold(r, key, result);
}

/* HueChat told us another key's id at its creation: then what looks like a twin is the very key that is in
 * use. */
static bool is_mistaken(const struct rotation *r, const char *keep, const struct rotation_event *e)
{
    const struct remote_key *kept = keep != NULL ? find_by_id(e, keep) : NULL;

    if (keep == NULL || (kept != NULL && rotation_made(r, kept->name)))
        return false;
    for (size_t i = 0; i < e->n_keys; i++)
        if (rotation_made(r, e->keys[i].name) && g_strcmp0(e->keys[i].last4, r->new_last4) == 0)
            return true;
    return false;
}

void sweep_absorb(struct rotation *r, const char *keep, const struct rotation_event *e, usec_t now)
{
    if (r->target_id != NULL) {
        remove_stray(r, e, now);
        return;
    }
    if (e->type != EVENT_LISTED)
        return;
    if (e->keys == NULL)
        rotation_retry_read(r, e->answer, now);
    else if (is_mistaken(r, keep, e) && rotation_is_over(r))
        rotation_back_off(r, NULL, now);
    else if (is_mistaken(r, keep, e))
        rotation_hold(r,
                      "HueChat lists the new key …%s under another id than %s: look at both in the dashboard",
                      r->new_last4, keep);
    else if (!aim_at_stray(r, keep, e))
        r->seen.swept = true;
}
