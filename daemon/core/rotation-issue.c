/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Before the swap: planned, creating, reconciling, stored, verified, and the way back. */
#include "daemon/core/rotation-private.h"

#include <errno.h>
#include <string.h>

static void finish(struct rotation *r, enum rotation_state state, usec_t now)
{
    rotation_enter(r, state);
    r->finished_at = now;
    if (r->outcome_unknown) {
        r->recheck_step = 0;
        r->recheck_at = usec_add(now, USEC_PER_MINUTE);
    }
}

/* Nothing was done and trying again won't help: somebody who waits is told, else a person decides. */
static void refuse(struct rotation *r, const struct answer *answer, const char *what, usec_t now)
{
    const char *id = answer->request_id != NULL ? answer->request_id : "";

    if (r->cause != CAUSE_ADD) {
        rotation_hold(r, "%s: %s%s%s", what, answer->message, *id != '\0' ? ", request " : "", id);
        return;
    }
    rotation_set_reason(r, "%s: %s%s%s", what, answer->message, *id != '\0' ? ", request " : "", id);
    finish(r, ROTATION_ABORTED, now);
}

/* A management call that did not bring what it should. */
static void read_failed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    enum answer_class class = answer_class(e->answer);

    if (class == ANSWER_DENIED)
        step->pause = true;
    if (r->cause == CAUSE_ADD && class != ANSWER_LIMITED)
        refuse(r, e->answer,
               class == ANSWER_DENIED ? "HueChat refuses the management key" : "HueChat's key list", f->now);
    else if (class != ANSWER_DENIED)
        rotation_retry_read(r, e->answer, f->now);
}

static bool is_old(const struct rotation *r, const struct remote_key *key)
{
    return key->type == r->environment && strcmp(key->last4, r->old_last4) == 0 &&
           (r->old_name == NULL || strcmp(key->name, r->old_name) == 0);
}

/* Finds the old key that has no id yet: by type and last 4, and only if that is unique. */
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
        r->seen.probe_old = true;
    }
}

static void planned_listed(struct rotation *r, const struct rotation_event *e, struct rotation_step *step)
{
    const struct remote_key *key;

    r->seen.must_list = false;
    if (r->old_key == 0) {
        r->seen.looked = true;
        return;
    }
    if (r->old_id == NULL) {
        adopt(r, e, step);
        return;
    }
    key = find_by_id(e, r->old_id);
    if (key == NULL)
        r->seen.probe_old = true;
    else if (is_old(r, key))
        r->seen.looked = true;
    else
        rotation_hold(r, "key %s at HueChat is not the one in the ledger (…%s)", r->old_id, r->old_last4);
}

static void planned_probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    enum verdict verdict = e->result == -ENOKEY ? VERDICT_INVALID
                           : e->answer == NULL  ? VERDICT_UNKNOWN
                                                : answer_verdict(e->answer);

    switch (verdict) {
    case VERDICT_VALID:
        rotation_hold(r,
                      "the key …%s works, but the management key's account does not list it: is it another "
                      "account's?",
                      r->old_last4);
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

static void planned_got(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    switch (answer_class(e->answer)) {
    case ANSWER_OK:
        if (is_old(r, e->key))
            r->seen.looked = true;
        else
            rotation_hold(r, "key %s at HueChat is not the one in the ledger (…%s)", r->old_id, r->old_last4);
        return;
    case ANSWER_ABSENT:
        r->seen.must_list = true;
        return;
    case ANSWER_LIMITED:
    case ANSWER_DENIED:
    case ANSWER_REFUSED:
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        read_failed(r, e, f, step);
    }
}

void planned_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step)
{
    if (e->type == EVENT_GOT)
        planned_got(r, e, f, step);
    else if (e->type == EVENT_LISTED && e->keys != NULL)
        planned_listed(r, e, step);
    else if (e->type == EVENT_LISTED)
        read_failed(r, e, f, step);
    else if (e->type == EVENT_PROBED_OLD)
        planned_probed(r, e, f);
    else if (e->type == EVENT_KEYRING_CHECKED && e->result == 0)
        r->seen.keyring_proved = true;
    else if (e->type == EVENT_KEYRING_CHECKED && r->cause == CAUSE_ADD) {
        rotation_set_reason(r, "the keyring can't be written: unlock it, or see its own log");
        finish(r, ROTATION_ABORTED, f->now);
    } else if (e->type == EVENT_KEYRING_CHECKED && e->result != -EAGAIN)
        rotation_retry_read(r, NULL, f->now);
}

struct rotation_step planned_decide(struct rotation *r, const struct rotation_facts *f)
{
    bool looked = r->seen.looked || r->old_dead;

    if (r->managed_by == MANAGED_BY_DASHBOARD) {
        r->attempt = 1;
        rotation_enter(r, ROTATION_AWAITING_KEY);
        return WAIT;
    }
    if (f->paused || !f->keyring_ready || f->now < r->next_at)
        return WAIT;
    if (!looked && r->seen.probe_old)
        return STEP(ACTION_PROBE_OLD);
    if (!looked && (r->old_key == 0 || r->old_id == NULL || r->seen.must_list))
        return STEP(ACTION_LIST);
    if (!looked)
        return (struct rotation_step){.action = ACTION_GET, .id = r->old_id};
    if (!r->seen.keyring_proved)
        return STEP(ACTION_CHECK_KEYRING);
    r->attempt++;
    r->sent_at = 0;
    rotation_enter(r, ROTATION_CREATING);
    r->seen.keyring_proved = true;
    return WAIT;
}

static const char *misfit(const struct rotation *r, const struct rotation_event *e)
{
    g_auto(GStrv) asked = g_strsplit(r->permissions != NULL ? r->permissions : "", ";", -1);

    switch (e->fit) {
    case SECRET_MALFORMED:
        return "HueChat's new key is malformed";
    case SECRET_WRONG_PREFIX:
        return "HueChat's new key is of the other environment";
    case SECRET_WRONG_LAST4:
        return "HueChat's new key does not end as HueChat says";
    case SECRET_FITS:
        break;
    }
    if (e->key->type != r->environment)
        return "HueChat's new key is of the other environment";
    if (e->key->full_access != r->full_access ||
        (!r->full_access && !permissions_equal(e->key->permissions, asked)))
        return "HueChat gave the new key other permissions than asked for";
    return NULL;
}

static void created(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step)
{
    const char *problem;

    if (e->known_before) {
        r->outcome_unknown = true;
        rotation_hold(r, "HueChat answered a create with the id of an older key (%s)", e->key->id);
        return;
    }
    r->new_id = g_strdup(e->key->id);
    r->new_last4 = g_strdup(e->key->last4);
    r->new_created_at = e->key->created_at;
    r->created_at = f->now;
    r->failures = 0;
    step->change = CHANGE_NEW_KEY;
    problem = misfit(r, e);
    if (problem != NULL) {
        r->seen.have_secret = false;
        rotation_set_reason(r, "%s", problem);
        rotation_enter(r, ROTATION_ROLLING_BACK);
        step->attention = true;
        return;
    }
    r->seen.have_secret = true;
}

/* The outcome of a create that was not a success. */
static void create_failed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                          struct rotation_step *step)
{
    const struct answer *answer = e->answer;

    switch (answer_class(answer)) {
    case ANSWER_LIMITED:
        r->sent_at = 0;
        rotation_back_off(r, answer, f->now);
        return;
    case ANSWER_DENIED:
        r->sent_at = 0;
        step->pause = true;
        if (r->cause == CAUSE_ADD)
            refuse(r, answer, "HueChat refuses the management key", f->now);
        return;
    case ANSWER_UNSENT:
        r->sent_at = 0;
        if (r->cause == CAUSE_ADD)
            refuse(r, answer, "HueChat can't be reached", f->now);
        else
            rotation_back_off(r, answer, f->now);
        return;
    case ANSWER_REFUSED:
        r->sent_at = 0;
        refuse(r, answer, "HueChat refused to create the key", f->now);
        return;
    case ANSWER_ABSENT:
        if (answer->complete) {
            r->sent_at = 0;
            refuse(r, answer, "HueChat knows no such path for keys (KeysPath)", f->now);
            return;
        }
        break;
    case ANSWER_OK:
    case ANSWER_UNKNOWN:
        break;
    }
    if (answer->status != 0)
        r->refusals++;
    r->failures++;
    r->outcome_unknown = true;
    rotation_set_reason(r, "the outcome of creating a key is unknown: %s", answer->message);
    rotation_enter(r, ROTATION_RECONCILING);
}

static void store_answered(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    if (e->result == 0) {
        rotation_enter(r, ROTATION_STORED);
        r->seen.have_secret = false;
        r->seen.looked = true; /* checked against the create's answer a moment ago */
    } else if (e->result == -EAGAIN) {
        return;
    } else if (r->seen.tries < 4) {
        rotation_retry_read(r, NULL, f->now);
    } else {
        r->seen.have_secret = false;
        rotation_set_reason(r, "the keyring refuses the new key");
        rotation_enter(r, ROTATION_ROLLING_BACK);
    }
}

void creating_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    if (e->type == EVENT_SENDING)
        r->sent_at = f->now;
    else if (e->type == EVENT_CREATED && answer_class(e->answer) == ANSWER_OK)
        created(r, e, f, step);
    else if (e->type == EVENT_CREATED)
        create_failed(r, e, f, step);
    else if (e->type == EVENT_STORED)
        store_answered(r, e, f);
    else if (e->type == EVENT_KEYRING_CHECKED && e->result == 0)
        r->seen.keyring_proved = true;
    else if (e->type == EVENT_KEYRING_CHECKED && e->result != -EAGAIN)
        rotation_retry_read(r, NULL, f->now);
}

struct rotation_step creating_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->sent_at != 0 && !r->seen.have_secret) {
        r->outcome_unknown = true;
        rotation_set_reason(r, "keyturnd was stopped while a key was being created");
        rotation_enter(r, ROTATION_RECONCILING);
        return WAIT;
    }
    if (!f->keyring_ready || f->now < r->next_at)
        return WAIT;
    if (r->seen.have_secret)
        return STEP(ACTION_STORE);
    if (f->paused)
        return WAIT;
    if (!r->seen.keyring_proved)
        return STEP(ACTION_CHECK_KEYRING);
    r->seen.keyring_proved = false; /* prove it again before another attempt */
    return STEP(ACTION_CREATE);
}

void reconciling_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    if (e->type == EVENT_WAKE)
        r->seen.swept = false;
    sweep_absorb(r, NULL, e, f->now);
    if (e->type == EVENT_DELETED || e->type == EVENT_GOT || e->type == EVENT_LISTED)
        step->pause = answer_class(e->answer) == ANSWER_DENIED;
}

struct rotation_step reconciling_decide(struct rotation *r, const struct rotation_facts *f)
{
    usec_t settled = usec_add(r->sent_at, 2 * f->timeout);

    if (!r->seen.swept)
        return sweep_decide(r, f);
    if (f->now < settled && !r->seen.removed_stray && r->sent_at <= f->now) {
        if (f->now >= r->next_at)
            rotation_retry_quickly(r, f->now);
        r->next_at = MIN(r->next_at, settled);
        r->seen.swept = false;
        return WAIT;
    }
    if (r->refusals >= MAX_REFUSALS) {
        rotation_enter(r, ROTATION_ROLLING_BACK);
        return WAIT;
    }
    g_clear_pointer(&r->new_id, g_free);
    g_clear_pointer(&r->new_last4, g_free);
    r->new_key = 0;
    r->attempt++;
    r->sent_at = 0;
    rotation_enter(r, ROTATION_CREATING);
    if (r->failures > 0) {
        r->failures--;
        rotation_back_off(r, NULL, f->now);
    }
    return WAIT;
}

static void new_looked_up(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                          struct rotation_step *step)
{
    const char *problem;

    switch (answer_class(e->answer)) {
    case ANSWER_OK:
        problem = strcmp(e->key->last4, r->new_last4) != 0 ? "HueChat's new key does not end as HueChat said"
                                                           : misfit(r, e);
        if (problem != NULL) {
            rotation_set_reason(r, "%s", problem);
            rotation_enter(r, ROTATION_ROLLING_BACK);
        } else {
            r->seen.looked = true;
        }
        return;
    case ANSWER_ABSENT:
        if (f->now < usec_add(r->created_at, PROPAGATION_GRACE)) {
            rotation_retry_quickly(r, f->now);
        } else {
            rotation_set_reason(r, "the new key is not at HueChat");
            rotation_enter(r, ROTATION_ROLLING_BACK);
        }
        return;
    case ANSWER_DENIED:
        step->pause = true;
        return;
    case ANSWER_LIMITED:
    case ANSWER_REFUSED:
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

static void new_probed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    if (e->result == -EAGAIN)
        return;
    if (e->result == -ENOKEY) {
        rotation_set_reason(r, "the keyring lost the new key");
        rotation_enter(r, ROTATION_ROLLING_BACK);
        return;
    }
    switch (e->answer != NULL ? answer_verdict(e->answer) : VERDICT_UNKNOWN) {
    case VERDICT_VALID:
        r->probed_at = f->now;
        rotation_enter(r, ROTATION_VERIFIED);
        return;
    case VERDICT_INVALID:
        if (f->now < usec_add(r->created_at, PROPAGATION_GRACE)) {
            rotation_retry_quickly(r, f->now);
        } else {
            rotation_set_reason(r, "HueChat refuses the new key");
            rotation_enter(r, ROTATION_ROLLING_BACK);
        }
        return;
    case VERDICT_UNKNOWN:
        rotation_retry_read(r, e->answer, f->now);
    }
}

void stored_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step)
{
    if (e->type == EVENT_GOT)
        new_looked_up(r, e, f, step);
    else if (e->type == EVENT_PROBED_NEW)
        new_probed(r, e, f);
}

struct rotation_step stored_decide(struct rotation *r, const struct rotation_facts *f)
{
    bool by_api = r->managed_by == MANAGED_BY_API;

    if (!f->keyring_ready || f->now < r->next_at)
        return WAIT;
    if (by_api && !r->seen.looked)
        return f->paused ? WAIT : (struct rotation_step){.action = ACTION_GET, .id = r->new_id};
    return STEP(ACTION_PROBE_NEW);
}

void verified_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step)
{
    if (e->type != EVENT_SWAPPED)
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
    return STEP(ACTION_SWAP);
}

void rolling_back_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                         struct rotation_step *step)
{
    g_autofree char *name = rotation_key_name(r);
    struct removal key = {r->new_id, name, r->new_last4};

    if (e->type == EVENT_ERASED && e->result == 0) {
        r->seen.ours_erased = true;
        step->change = CHANGE_NEW_GONE;
        return;
    }
    if (e->type == EVENT_ERASED) {
        rotation_retry_read(r, NULL, f->now);
        return;
    }
    if (e->answer != NULL && answer_class(e->answer) == ANSWER_DENIED)
        step->pause = true;
    if (r->new_id == NULL || r->seen.removal == REMOVAL_GONE || r->target_id != NULL) {
        sweep_absorb(r, NULL, e, f->now);
        return;
    }
    switch (removal_absorb(r, key, e, f->now)) {
    case REMOVAL_GOING:
        return;
    case REMOVAL_DONE:
        return;
    case REMOVAL_FOREIGN:
        rotation_hold(r, "key %s at HueChat is not the one that keyturn made (…%s)", r->new_id, r->new_last4);
        return;
    case REMOVAL_NO_PATH:
        rotation_hold(r, "HueChat lists key %s but answers 404 to its deletion: check KeysPath", r->new_id);
        return;
    }
}

struct rotation_step rolling_back_decide(struct rotation *r, const struct rotation_facts *f)
{
    g_autofree char *name = rotation_key_name(r);
    bool by_api = r->managed_by == MANAGED_BY_API && r->attempt > 0;

    if (f->now < r->next_at)
        return WAIT;
    if (by_api && !r->seen.swept) {
        if (f->paused)
            return WAIT;
        if (r->new_id != NULL && r->target_id == NULL && r->seen.removal != REMOVAL_GONE)
            return removal_decide(r, (struct removal){r->new_id, name, r->new_last4});
        if (r->new_id == NULL && r->sent_at != 0 && f->now < usec_add(r->sent_at, 2 * f->timeout)) {
            r->next_at = usec_add(r->sent_at, 2 * f->timeout);
            return WAIT;
        }
        return sweep_decide(r, f);
    }
    if (r->new_key != 0 && !r->seen.ours_erased)
        return f->keyring_ready ? STEP(ACTION_ERASE) : WAIT;
    finish(r, ROTATION_ABORTED, f->now);
    return WAIT;
}

void awaiting_key_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                         struct rotation_step *step)
{
    if (e->type == EVENT_SUPPLIED) {
        r->new_id = g_strdup(e->key->id);
        r->new_last4 = g_strdup(e->key->last4);
        r->new_created_at = e->key->created_at;
        r->created_at = f->now;
        r->seen.have_secret = true;
        step->change = CHANGE_NEW_KEY;
    } else if (e->type == EVENT_STORED) {
        store_answered(r, e, f);
    }
}

struct rotation_step awaiting_key_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->seen.have_secret)
        return f->keyring_ready && f->now >= r->next_at ? STEP(ACTION_STORE) : WAIT;
    if (r->reminded_at != 0 && f->now < usec_add(r->reminded_at, USEC_PER_DAY)) {
        r->next_at = usec_add(r->reminded_at, USEC_PER_DAY);
        return WAIT;
    }
    r->reminded_at = f->now;
    return STEP(ACTION_REMIND);
}
