/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Performs an action as the daemon would: a request to HueChat, a call to the keyring, a word on the bus. */
#include <errno.h>
#include <string.h>

#include "tests/simulation/simulation.h"

/* An answer that needs no network. */
struct reply {
    char *rid;
    enum rotation_event_type event;
    int result;
};

static void reply_free(void *data)
{
    struct reply *reply = data;

    g_free(reply->rid);
    g_free(reply);
}

static void deliver(struct simulation *s, struct happening *h)
{
    struct reply *reply = h->data;
    struct rotation_event event = {.type = reply->event, .result = reply->result};

    if (h->epoch == s->epoch && s->process != NULL && !process_may_crash(s, 2)) {
        simulation_trace(s, h->app, "%s %s: %d", reply->rid,
                         reply->event == EVENT_STORED            ? "stored"
                         : reply->event == EVENT_ERASED          ? "erased"
                         : reply->event == EVENT_KEYRING_CHECKED ? "keyring checked"
                         : reply->event == EVENT_ANNOUNCED       ? "announced"
                         : reply->event == EVENT_PROBED_NEW      ? "new key loaded"
                                                                 : "old key loaded",
                         reply->result);
        if (reply->event == EVENT_PROBED_NEW && reply->result == -ENOKEY)
            simulation_course(s, reply->rid)->may_probe_old = true;
        s->process->busy[h->app->index] = false;
        rotator_answer(s->process->rotator, reply->rid, &event);
    }
    reply_free(reply);
}

static void reply_in(struct simulation *s, const struct rotation *r, enum rotation_event_type event,
                     int result)
{
    struct happening *h = simulation_plan(s, chance_below(&s->chance, 200 * USEC_PER_MSEC), deliver,
                                          simulation_app(s, r->integration));
    struct reply *reply = g_new0(struct reply, 1);

    reply->rid = g_strdup(r->rid);
    reply->event = event;
    reply->result = result;
    h->data = reply;
    h->drop = reply_free;
    h->epoch = s->epoch;
}

static struct request *request_of(struct simulation *s, const struct rotation *r,
                                  const struct rotation_step *step, enum rotation_event_type event,
                                  struct remote *key)
{
    struct request *q = g_new0(struct request, 1);

    q->app = simulation_app(s, r->integration);
    q->rid = g_strdup(r->rid);
    q->id = g_strdup(step->id);
    q->name = step->action == ACTION_CREATE ? rotation_key_name(r) : NULL;
    q->action = step->action;
    q->event = event;
    q->key = key;
    return q;
}

static void manage(struct simulation *s, const struct rotation *r, const struct rotation_step *step,
                   enum rotation_event_type event)
{
    const struct row *management = ledger_current(&s->apps[r->environment]);

    huechat_send(s, request_of(s, r, step, event, management != NULL ? management->remote : NULL));
}

/* What the keyring says before it is asked for anything in particular. */
static int keyring_mood(struct simulation *s, const struct app *app, bool write)
{
    if (s->keyring_locked)
        return -EAGAIN;
    if (s->calm || !app->troubled)
        return 0;
    if (chance_of(&s->chance, 20))
        return -EAGAIN;
    return write && chance_of(&s->chance, 50) ? -EIO : 0;
}

static void probe(struct simulation *s, const struct rotation *r, const struct rotation_step *step,
                  uint64_t number, enum rotation_event_type event)
{
    const struct app *app = simulation_app(s, r->integration);
    int mood = keyring_mood(s, app, false);
    struct remote *key = g_hash_table_lookup(s->keyring, &number);

    if (event == EVENT_PROBED_OLD)
        judge_probe_old(s, r);
    if (mood < 0)
        reply_in(s, r, event, mood);
    else if (key == NULL)
        reply_in(s, r, event, -ENOKEY);
    else
        huechat_send(s, request_of(s, r, step, event, key));
}

static void store(struct simulation *s, const struct rotation *r)
{
    const struct app *app = simulation_app(s, r->integration);
    struct remote *fresh = g_hash_table_lookup(s->process->fresh, r->rid);
    int mood = keyring_mood(s, app, true);

    if (mood == 0 && fresh == NULL)
        mood = -ENOKEY;
    if (mood == 0) {
        g_hash_table_insert(s->keyring, g_memdup2(&r->new_key, sizeof r->new_key), fresh);
        if (process_may_crash(s, 5))
            return;
        g_hash_table_remove(s->process->fresh, r->rid);
    }
    reply_in(s, r, EVENT_STORED, mood);
}

static void erase(struct simulation *s, const struct rotation *r)
{
    uint64_t number = r->state == ROTATION_ROLLING_BACK ? r->new_key : r->old_key;
    int mood = keyring_mood(s, simulation_app(s, r->integration), true);

    if (mood == 0)
        g_hash_table_remove(s->keyring, &number);
    reply_in(s, r, EVENT_ERASED, mood);
}

static void announce(struct simulation *s, const struct rotation *r)
{
    struct app *app = simulation_app(s, r->integration);

    s->process->hooks_ran[app->index] = false;
    s->process->hooks_failed[app->index] = 0;
    people_announced(s, app);
    if (chance_of(&s->chance, 500)) {
        reply_in(s, r, EVENT_ANNOUNCED, 0);
        return;
    }
    s->process->busy[app->index] = false;
    rotator_answer(s->process->rotator, r->rid, &(struct rotation_event){.type = EVENT_ANNOUNCED});
}

void performer_begin(struct simulation *s, const struct rotation *r, const struct rotation_step *step)
{
    s->process->busy[simulation_app(s, r->integration)->index] = true;
    switch (step->action) {
    case ACTION_GET:
        manage(s, r, step, EVENT_GOT);
        return;
    case ACTION_LIST:
        manage(s, r, step, EVENT_LISTED);
        return;
    case ACTION_CREATE:
        manage(s, r, step, EVENT_CREATED);
        return;
    case ACTION_DELETE:
        manage(s, r, step, EVENT_DELETED);
        return;
    case ACTION_CHECK_KEYRING:
        reply_in(s, r, EVENT_KEYRING_CHECKED, keyring_mood(s, simulation_app(s, r->integration), true));
        return;
    case ACTION_STORE:
        store(s, r);
        return;
    case ACTION_PROBE_NEW:
        probe(s, r, step, r->new_key, EVENT_PROBED_NEW);
        return;
    case ACTION_PROBE_OLD:
        probe(s, r, step, r->old_key, EVENT_PROBED_OLD);
        return;
    case ACTION_ERASE:
        erase(s, r);
        return;
    case ACTION_ANNOUNCE:
        announce(s, r);
        return;
    case ACTION_WAIT:
    case ACTION_SWAP:
    case ACTION_REMIND:
    case ACTION_END:
        g_assert_not_reached();
    }
}

static bool shows(const struct request *q, const char *id)
{
    for (size_t i = 0; id != NULL && i < q->n_keys; i++)
        if (strcmp(q->keys[i].id, id) == 0)
            return true;
    return false;
}

void performer_note(struct simulation *s, const struct request *q)
{
    struct course *course = simulation_course(s, q->rid);
    const struct rotation *disk = g_hash_table_lookup(s->disk, q->rid);
    enum answer_class class = answer_class(&q->answer);

    if (q->event == EVENT_CREATED)
        course->created = q->made;
    if ((q->event == EVENT_PROBED_NEW || q->event == EVENT_PROBED_OLD) &&
        answer_verdict(&q->answer) == VERDICT_VALID)
        course->proved_at = s->now;
    if (q->event == EVENT_PROBED_NEW && answer_verdict(&q->answer) == VERDICT_INVALID)
        course->may_probe_old = true;
    if (q->event != EVENT_LISTED || disk == NULL)
        return;
    if (class == ANSWER_DENIED && q->app->index < FIRST_MANAGED)
        course->may_probe_old = true;
    if (class != ANSWER_OK || !q->counts)
        return;
    course->listed_at = q->served_at;
    course->new_listed = shows(q, disk->new_id);
}
