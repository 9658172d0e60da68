/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creating: one POST, and the new secret on its way into the keyring. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

/* What is wrong with the key that HueChat describes, or NULL. */
const char *rotation_misfit(const struct rotation *r, const struct remote_key *key, enum secret_fit fit)
{
    g_auto(GStrv) asked = g_strsplit(r->permissions != NULL ? r->permissions : "", ";", -1);

    switch (fit) {
    case SECRET_MALFORMED:
        return "HueChat's new key is malformed";
    case SECRET_WRONG_PREFIX:
        return "HueChat's new key is of the other environment";
    case SECRET_WRONG_LAST4:
        return "HueChat's new key does not end as HueChat says";
    case SECRET_KNOWN:
        return "HueChat's new key is one that keyturn has already";
    case SECRET_FITS:
        break;
    }
    if (key->type != r->environment)
        return "HueChat's new key is of the other environment";
    if (key->full_access != r->full_access ||
        (!r->full_access && !permissions_equal(key->permissions, asked)))
        return "HueChat gave the new key other permissions than asked for";
    return NULL;
}

/* An answer that names a key which is not the new one, so nothing of it is touched. */
static bool is_not_ours(struct rotation *r, const struct rotation_event *e)
{
    g_autofree char *name = rotation_key_name(r);

    if (e->known_before)
        rotation_hold(
            r, "HueChat answered a create with the id of an older key (%s): look at it in the dashboard",
            e->key->id);
    else if (g_strcmp0(e->key->name, name) != 0)
        rotation_hold(r, "HueChat named the new key %s otherwise than \"%s\": delete it in the dashboard",
                      e->key->id, name);
    else
        return false;
    r->outcome_unknown = true;
    return true;
}

static void created(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step)
{
    const char *problem;

    if (is_not_ours(r, e))
        return;
    rotation_forget_new(r);
    r->new_id = g_strdup(e->key->id);
    r->new_last4 = g_strdup(e->key->last4);
    r->new_name = rotation_key_name(r);
    r->new_created_at = e->key->created_at;
    r->created_at = f->now;
    r->failures = 0;
    step->change = CHANGE_NEW_KEY;
    problem = rotation_misfit(r, e->key, e->fit);
    if (problem != NULL) {
        rotation_set_reason(r, "%s: see keyturn doctor", problem);
        rotation_enter(r, ROTATION_ROLLING_BACK);
        step->attention = true;
        return;
    }
    r->seen.have_secret = true;
}

/* Nothing was done and trying again won't help: somebody who waits is told, else a person decides. */
static void refuse(struct rotation *r, const struct answer *answer, const char *what, const char *advice,
                   usec_t now)
{
    bool has_id = answer->request_id != NULL && *answer->request_id != '\0';
    g_autofree char *text =
        g_strdup_printf("%s (%s%s%s): %s", what, answer->message, has_id ? ", request " : "",
                        has_id ? answer->request_id : "", advice);

    if (!rotation_give_up(r, now, "%s", text))
        rotation_hold(r, "%s", text);
}

/* It may have been done. */
static void lose_track(struct rotation *r, const struct answer *answer)
{
    if (answer->status != 0)
        r->refusals++;
    r->failures++;
    r->outcome_unknown = true;
    rotation_set_reason(r, "it is not known whether HueChat created a key (%s): it is being looked for",
                        answer->message);
    rotation_enter(r, ROTATION_RECONCILING);
}

/* The outcome of a create that was not a success. */
static void create_failed(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                          struct rotation_step *step)
{
    const struct answer *answer = e->answer;
    const char *environment = environment_name((enum environment)r->environment);

    switch (answer_class(answer)) {
    case ANSWER_LIMITED:
        rotation_back_off(r, answer, f->now);
        break;
    case ANSWER_DENIED:
        step->pause = true;
        rotation_give_up(r, f->now, "HueChat refuses the management key (%s): keyturn login %s",
                         answer->message, environment);
        break;
    case ANSWER_UNSENT:
        if (!rotation_give_up(r, f->now, "HueChat can't be reached (%s): check the network, then try again",
                              answer->message))
            rotation_back_off(r, answer, f->now);
        break;
    case ANSWER_REFUSED:
        refuse(r, answer, "HueChat refused to create the key", "check its permissions", f->now);
        break;
    case ANSWER_ABSENT:
        refuse(r, answer, "HueChat knows no such path for keys", "check KeysPath= in keyturn.conf", f->now);
        break;
    case ANSWER_OK:
    case ANSWER_UNKNOWN:
        lose_track(r, answer);
        return;
    }
    r->sent_at = 0;
}

void rotation_stored(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f)
{
    if (e->result == 0) {
        rotation_enter(r, ROTATION_STORED);
        r->seen.have_secret = false;
        r->seen.looked = true; /* checked against the create's answer a moment ago */
    } else if (e->result == -EAGAIN) {
        rotation_wait_for_keyring(r, f->now);
    } else if (r->seen.tries < MANY_FAILURES) {
        rotation_retry_read(r, NULL, f->now);
    } else {
        r->seen.have_secret = false;
        rotation_set_reason(r, "the keyring refuses the new key: see its own log");
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
        rotation_stored(r, e, f);
    else if (e->type == EVENT_KEYRING_CHECKED && e->result == 0)
        r->seen.keyring_proved = true;
    else if (e->type == EVENT_KEYRING_CHECKED)
        rotation_retry_read(r, NULL, f->now);
}

/* The create was sent, and its secret is not in memory: keyturnd was stopped in between, or HueChat's answer
 * was no good. */
static void recover(struct rotation *r)
{
    r->outcome_unknown = true;
    if (r->new_key == 0) {
        rotation_set_reason(r, "it is not known whether HueChat created a key: it is being looked for");
        rotation_enter(r, ROTATION_RECONCILING);
    } else {
        rotation_set_reason(r, "keyturnd was stopped before the new key was stored: another one is made");
        r->make_another = true;
        rotation_enter(r, ROTATION_ROLLING_BACK);
    }
}

struct rotation_step creating_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->sent_at != 0 && !r->seen.have_secret) {
        recover(r);
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
