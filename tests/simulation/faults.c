/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way to HueChat and back, and all that may go wrong on it. */
#include "tests/simulation/huechat.h"

#define TIMEOUT (10 * USEC_PER_SEC)

enum fault {
    FAULT_NONE,
    FAULT_UNSENT,     /* no connection */
    FAULT_LOST,       /* it never arrives, and no answer comes */
    FAULT_LOST_REPLY, /* it is done, and no answer comes */
    FAULT_LATE,       /* no answer comes, and it is done long after */
    FAULT_BROKEN,     /* 5xx, nothing was done */
    FAULT_BROKEN_YET, /* 5xx, but it is done, perhaps later */
    FAULT_PAGE,       /* HTML of a proxy, with one status or another */
    FAULT_CUT,        /* done, and the answer is cut short */
    FAULT_LIMITED,    /* 429 */
    FAULT_REFUSED,    /* 422 */
    FAULT_CONFLICT,   /* 409, done or not */
    FAULT_UNCOUNTED,  /* a listing whose pages don't fit */
    FAULT_TWICE,      /* a create is done twice */
    FAULT_WIDE,       /* a new key has other permissions */
    FAULT_OTHER_END,  /* a new key's last 4 are not its own */
    FAULT_OTHER_TYPE, /* a new key's prefix is of the other environment */
    FAULT_OLD_ID,     /* a create is answered with an older key's id */
    FAULT_STILLBORN,  /* a new key never works */
    FAULT_UNTRUE,     /* a DELETE is answered with success and not done */
    FAULT_OTHER_KEY,  /* GET shows another key's last 4 */
    FAULT_COUNT,
};

static bool fits(enum fault fault, enum rotation_action action)
{
    bool create = action == ACTION_CREATE, change = create || action == ACTION_DELETE;

    switch (fault) {
    case FAULT_LATE:
    case FAULT_BROKEN_YET:
    case FAULT_REFUSED:
    case FAULT_CONFLICT:
        return change;
    case FAULT_UNCOUNTED:
        return action == ACTION_LIST;
    case FAULT_TWICE:
    case FAULT_WIDE:
    case FAULT_OTHER_END:
    case FAULT_OTHER_TYPE:
    case FAULT_OLD_ID:
    case FAULT_STILLBORN:
        return create;
    case FAULT_UNTRUE:
        return action == ACTION_DELETE;
    case FAULT_OTHER_KEY:
        return action == ACTION_GET;
    case FAULT_NONE:
    case FAULT_UNSENT:
    case FAULT_LOST:
    case FAULT_LOST_REPLY:
    case FAULT_BROKEN:
    case FAULT_PAGE:
    case FAULT_CUT:
    case FAULT_LIMITED:
    case FAULT_COUNT:
        return true;
    }
    return true;
}

static enum fault pick(struct simulation *s, const struct request *q)
{
    enum fault fault;

    if (s->calm || !q->app->troubled ||
        !chance_of(&s->chance, (q->action == ACTION_CREATE ? 400 : 150) * s->fault_rate / 100))
        return FAULT_NONE;
    fault = (enum fault)(1 + chance_below(&s->chance, FAULT_COUNT - 1));
    return fits(fault, q->action) ? fault : FAULT_NONE;
}

static void spoil(struct request *q, unsigned status, const char *message)
{
    huechat_answer(q, status, message);
    q->answer.complete = false;
}

static void deliver(struct simulation *s, struct happening *h);

static void answer_in(struct simulation *s, struct request *q, usec_t span)
{
    struct happening *h = simulation_plan(s, span, deliver, q->app);

    h->data = q;
    h->drop = request_free;
    h->epoch = s->epoch;
}

/* Only its effect is left of it; nobody gets the answer. */
static void take_effect(struct simulation *s, struct happening *h)
{
    struct request *q = h->data;

    s->ghosts--;
    huechat_serve(s, q);
    request_free(q);
}

static void effect_in(struct simulation *s, const struct request *q, usec_t span)
{
    struct happening *h = simulation_plan(s, span, take_effect, q->app);
    struct request *ghost = g_new0(struct request, 1);

    s->ghosts++;
    ghost->app = q->app;
    ghost->rid = g_strdup(q->rid);
    ghost->id = g_strdup(q->id);
    ghost->name = g_strdup(q->name);
    ghost->action = q->action;
    ghost->key = q->key;
    h->data = ghost;
    h->drop = request_free;
}

/* A create before the last late listing; a DELETE within what may be propagation. */
static usec_t long_after(struct simulation *s, const struct request *q)
{
    return chance_span(&s->chance, USEC_PER_SEC,
                       q->action == ACTION_CREATE ? 20 * USEC_PER_HOUR : 50 * USEC_PER_SEC);
}

static void page(struct simulation *s, struct request *q)
{
    static const unsigned statuses[] = {200, 302, 401, 403, 404, 503};

    spoil(q, statuses[chance_below(&s->chance, G_N_ELEMENTS(statuses))], "a page");
}

static void limit(struct simulation *s, struct request *q)
{
    huechat_answer(q, 429, "rate_limited");
    q->answer.complete = chance_of(&s->chance, 500);
    q->answer.retry_after =
        chance_of(&s->chance, 700) ? chance_span(&s->chance, USEC_PER_SEC, USEC_PER_HOUR) : 0;
}

/* What becomes of a key that HueChat has just created wrongly. */
static void miscreate(struct simulation *s, struct request *q, enum fault fault)
{
    const struct row *old = ledger_current(q->app);

    huechat_serve(s, q);
    if (q->made == NULL)
        return;
    if (fault == FAULT_TWICE)
        effect_in(s, q, 0);
    if (fault == FAULT_WIDE)
        q->told.full_access = q->made->full_access = !q->made->full_access;
    if (fault == FAULT_OTHER_END) {
        q->fit = SECRET_WRONG_LAST4;
        q->told.last4[0] ^= 1;
    }
    if (fault == FAULT_OTHER_TYPE)
        q->fit = SECRET_WRONG_PREFIX;
    if (fault == FAULT_STILLBORN)
        q->made->works_from = NEVER;
    if (fault == FAULT_OLD_ID && old != NULL && old->id != NULL) {
        g_free(q->told.id);
        q->told.id = g_strdup(old->id);
    }
}

/* The request with its fault; true: the answer is there, else none comes. */
static bool go_wrong(struct simulation *s, struct request *q, enum fault fault)
{
    switch (fault) {
    case FAULT_UNSENT:
        huechat_answer(q, 0, "no connection");
        q->answer.sent = q->answer.complete = false;
        return true;
    case FAULT_LOST_REPLY:
        huechat_serve(s, q);
        return false;
    case FAULT_LATE:
        effect_in(s, q, long_after(s, q));
        return false;
    case FAULT_BROKEN_YET:
        effect_in(s, q, chance_of(&s->chance, 500) ? 0 : long_after(s, q));
        spoil(q, 502, "bad gateway");
        return true;
    case FAULT_BROKEN:
        spoil(q, 500, "oops");
        return true;
    case FAULT_PAGE:
        page(s, q);
        return true;
    case FAULT_CUT:
        huechat_serve(s, q);
        q->answer.complete = q->counts = false;
        return true;
    case FAULT_LIMITED:
        limit(s, q);
        return true;
    case FAULT_REFUSED:
        huechat_answer(q, 422, "invalid_input");
        return true;
    case FAULT_CONFLICT:
        if (chance_of(&s->chance, 500))
            effect_in(s, q, 0);
        huechat_answer(q, 409, "conflict");
        return true;
    case FAULT_UNCOUNTED:
        huechat_serve(s, q);
        q->counts = false;
        return true;
    case FAULT_UNTRUE:
        huechat_answer(q, 204, "");
        return true;
    case FAULT_OTHER_KEY:
        huechat_serve(s, q);
        if (q->told.last4 != NULL)
            q->told.last4[0] ^= 1;
        return true;
    case FAULT_TWICE:
    case FAULT_WIDE:
    case FAULT_OTHER_END:
    case FAULT_OTHER_TYPE:
    case FAULT_OLD_ID:
    case FAULT_STILLBORN:
        miscreate(s, q, fault);
        return true;
    case FAULT_NONE:
        huechat_serve(s, q);
        return true;
    case FAULT_LOST:
    case FAULT_COUNT:
        break;
    }
    return false;
}

static void arrive(struct simulation *s, struct happening *h)
{
    struct request *q = h->data;
    enum fault fault = (enum fault)h->number;
    usec_t way = USEC_PER_MSEC + chance_below(&s->chance, 300 * USEC_PER_MSEC);

    if (!go_wrong(s, q, fault)) {
        huechat_answer(q, 0, "no answer in time");
        q->answer.complete = q->counts = false;
        way = TIMEOUT;
    } else if (!s->dateless && q->answer.sent) {
        q->answer.date = simulation_its_time(s);
    }
    if (h->epoch == s->epoch)
        answer_in(s, q, way);
    else
        request_free(q);
}

static void leave(struct simulation *s, struct happening *h)
{
    struct request *q = h->data;
    struct happening *arrival;

    if (h->epoch != s->epoch || s->process == NULL) { /* its helper died with keyturnd */
        request_free(q);
        return;
    }
    if (q->action == ACTION_CREATE && !rotator_sending(s->process->rotator, q->rid)) {
        huechat_answer(q, 0, "not sent");
        q->answer.sent = q->answer.complete = false;
        answer_in(s, q, 0);
        return;
    }
    if (q->action == ACTION_CREATE)
        judge_create(s, q);
    if (q->action == ACTION_DELETE)
        judge_delete(s, q);
    arrival = simulation_plan(s, chance_below(&s->chance, 200 * USEC_PER_MSEC), arrive, q->app);
    arrival->data = q;
    arrival->drop = request_free;
    arrival->epoch = h->epoch;
    arrival->number = pick(s, q);
    process_may_crash(s, 2);
}

void huechat_send(struct simulation *s, struct request *q)
{
    struct happening *h = simulation_plan(s, chance_below(&s->chance, USEC_PER_SEC), leave, q->app);

    h->data = q;
    h->drop = request_free;
    h->epoch = s->epoch;
}

static void deliver(struct simulation *s, struct happening *h)
{
    struct request *q = h->data;
    struct rotation_event event = {.type = q->event, .answer = &q->answer, .key = &q->told, .fit = q->fit};
    static const struct remote_key none;

    if (h->epoch != s->epoch || s->process == NULL || process_may_crash(s, 2)) {
        request_free(q);
        return;
    }
    simulation_trace(s, q->app, "%s %s: %u %s", q->rid,
                     q->event == EVENT_GOT          ? "GET"
                     : q->event == EVENT_LISTED     ? "LIST"
                     : q->event == EVENT_CREATED    ? "POST"
                     : q->event == EVENT_DELETED    ? "DELETE"
                     : q->event == EVENT_PROBED_NEW ? "probe of the new key"
                                                    : "probe of the old key",
                     q->answer.status, q->answer.message);
    performer_note(s, q);
    if (q->counts) {
        event.keys = q->n_keys > 0 ? q->keys : &none;
        event.n_keys = q->n_keys;
    }
    if (q->event == EVENT_CREATED && answer_class(&q->answer) == ANSWER_OK) {
        event.known_before = g_hash_table_contains(s->known_ids, q->told.id);
        if (q->fit == SECRET_FITS)
            g_hash_table_insert(s->process->fresh, g_strdup(q->rid), q->made);
    }
    s->process->busy[q->app->index] = false;
    rotator_answer(s->process->rotator, q->rid, &event);
    request_free(q);
}
