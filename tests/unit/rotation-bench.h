/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A record on a bench: facts that a test sets, events that it feeds, and HueChat's usual answers. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "daemon/core/rotation.h"

#define RID "7f3a9c21"
#define NEW_NAME "crm [kt 7f3a9c21.1]"
#define T0 (1000 * USEC_PER_DAY) /* our clock at the start */
#define D0 (2000 * USEC_PER_DAY) /* HueChat's */

struct bench {
    struct rotation *r;
    struct rotation_facts f;
    struct rotation_step step;
    usec_t date; /* HueChat's clock */
};

__attribute__((unused)) static const struct answer ok = {.status = 200, .sent = true, .complete = true};
__attribute__((unused)) static const struct answer absent = {.status = 404,
                                                             .sent = true,
                                                             .complete = true,
                                                             .error = (char *)"not_found",
                                                             .message = (char *)"no such key"};
__attribute__((unused)) static const struct answer denied = {.status = 401,
                                                             .sent = true,
                                                             .complete = true,
                                                             .error = (char *)"unauthorized",
                                                             .message = (char *)"bad key"};
__attribute__((unused)) static const struct answer refused = {.status = 422,
                                                              .sent = true,
                                                              .complete = true,
                                                              .error = (char *)"invalid_input",
                                                              .message = (char *)"no such scope",
                                                              .request_id = (char *)"req_1"};
__attribute__((unused)) static const struct answer limited = {
    .status = 429, .sent = true, .retry_after = 77 * USEC_PER_SEC, .message = (char *)"slow down"};
__attribute__((unused)) static const struct answer broken = {
    .status = 503, .sent = true, .message = (char *)"maintenance"};
__attribute__((unused)) static const struct answer timed_out = {.sent = true,
                                                                .message = (char *)"no answer in time"};
__attribute__((unused)) static const struct answer unsent = {.message = (char *)"connection refused"};

static char *scopes[] = {(char *)"contacts:read", NULL};
__attribute__((unused)) static const struct remote_key old_remote = {.id = (char *)"key_old",
                                                                     .name = (char *)"crm",
                                                                     .type = ENVIRONMENT_TEST,
                                                                     .permissions = scopes,
                                                                     .last4 = (char *)"oooo"};
__attribute__((unused)) static const struct remote_key new_remote = {.id = (char *)"key_new",
                                                                     .name = (char *)NEW_NAME,
                                                                     .type = ENVIRONMENT_TEST,
                                                                     .permissions = scopes,
                                                                     .last4 = (char *)"nnnn",
                                                                     .created_at = D0};

static inline void bench_open(struct bench *b, enum rotation_cause cause)
{
    *b = (struct bench){.r = rotation_new(RID, "crm", ENVIRONMENT_TEST, cause, T0), .date = D0};
    b->f = (struct rotation_facts){.now = T0,
                                   .keyring_ready = true,
                                   .overlap = USEC_PER_DAY,
                                   .max_overlap = 7 * USEC_PER_DAY,
                                   .timeout = 10 * USEC_PER_SEC,
                                   .old_secret_known = true,
                                   .holders_text = "crm.service (pid 4711)"};
    b->r->permissions = g_strdup("contacts:read");
    if (cause == CAUSE_ADD)
        return;
    b->r->old_key = 1;
    b->r->old_id = g_strdup("key_old");
    b->r->old_last4 = g_strdup("oooo");
}

static inline void bench_close(struct bench *b)
{
    b->r = rotation_free(b->r);
}

#define _cleanup_bench_ __attribute__((cleanup(bench_close)))

static inline void pass(struct bench *b, usec_t span)
{
    b->f.now += span;
    b->date += span;
}

static inline void feed(struct bench *b, struct rotation_event event)
{
    struct answer answer = event.answer != NULL ? *event.answer : (struct answer){0};

    if (answer.sent)
        answer.date = b->date;
    if (event.answer != NULL)
        event.answer = &answer;
    b->step = rotation_next(b->r, &event, &b->f);
    if (b->step.change == CHANGE_NEW_KEY)
        b->r->new_key = 2;
}

static inline void say(struct bench *b, enum rotation_event_type type)
{
    feed(b, (struct rotation_event){.type = type});
}

static inline void wake(struct bench *b)
{
    say(b, EVENT_WAKE);
}

static inline void result(struct bench *b, enum rotation_event_type type, int value)
{
    feed(b, (struct rotation_event){.type = type, .result = value});
}

static inline void answered(struct bench *b, enum rotation_event_type type, const struct answer *answer)
{
    feed(b, (struct rotation_event){.type = type, .answer = answer, .key = &(struct remote_key){0}});
}

static inline void got(struct bench *b, struct remote_key key)
{
    feed(b, (struct rotation_event){.type = EVENT_GOT, .answer = &ok, .key = &key});
}

static inline void listed(struct bench *b, size_t n, const struct remote_key *keys)
{
    static const struct remote_key none;

    feed(b, (struct rotation_event){
                .type = EVENT_LISTED, .answer = &ok, .keys = n > 0 ? keys : &none, .n_keys = n});
}

#define LISTED(b, ...)                                                                                       \
    listed(b, sizeof((struct remote_key[]){__VA_ARGS__}) / sizeof(struct remote_key),                        \
           (struct remote_key[]){__VA_ARGS__})

static inline void created(struct bench *b, struct remote_key key, enum secret_fit fit)
{
    feed(b, (struct rotation_event){.type = EVENT_CREATED, .answer = &ok, .key = &key, .fit = fit});
}

#define expect(b, s, a)                                                                                      \
    do {                                                                                                     \
        assert_string_equal(rotation_state_name((enum rotation_state)(b)->r->state),                         \
                            rotation_state_name(s));                                                         \
        assert_int_equal((b)->step.action, a);                                                               \
    } while (0)

/* A start: what this process saw is forgotten, what is on disk stays. */
static inline void restart(struct bench *b)
{
    memset(&b->r->seen, 0, sizeof b->r->seen);
    b->r->next_at = b->r->waits_since = 0;
    wake(b);
}

/* Drives a rotation that nothing disturbs up to a state, with the action that comes first in it. */
static inline void to_create(struct bench *b)
{
    wake(b);
    if (b->r->old_key != 0)
        got(b, old_remote);
    else
        listed(b, 0, NULL);
    expect(b, ROTATION_PLANNED, ACTION_CHECK_KEYRING);
    result(b, EVENT_KEYRING_CHECKED, 0);
    expect(b, ROTATION_CREATING, ACTION_CREATE);
}

static inline void to_sent(struct bench *b)
{
    to_create(b);
    say(b, EVENT_SENDING);
}

static inline void to_stored(struct bench *b)
{
    to_sent(b);
    created(b, new_remote, SECRET_FITS);
    expect(b, ROTATION_CREATING, ACTION_STORE);
    result(b, EVENT_STORED, 0);
    expect(b, ROTATION_STORED, ACTION_PROBE_NEW);
}

static inline void to_swapped(struct bench *b)
{
    to_stored(b);
    answered(b, EVENT_PROBED_NEW, &ok);
    expect(b, ROTATION_VERIFIED, ACTION_SWAP);
    say(b, EVENT_SWAPPED);
    assert_int_equal(b->step.change, CHANGE_SWAP);
    assert_int_equal(b->step.action, ACTION_ANNOUNCE);
    say(b, EVENT_ANNOUNCED);
}

/* Draining, with the first listing after the swap behind it. */
static inline void to_draining(struct bench *b)
{
    to_swapped(b);
    expect(b, ROTATION_DRAINING, ACTION_LIST);
    LISTED(b, old_remote, new_remote);
    expect(b, ROTATION_DRAINING, ACTION_WAIT);
}

/* Past the overlap, a fresh listing and probe: only the gates are left to say yes or no. */
static inline void to_gates(struct bench *b)
{
    to_draining(b);
    pass(b, USEC_PER_DAY + USEC_PER_SEC);
    wake(b);
    expect(b, ROTATION_DRAINING, ACTION_LIST);
    LISTED(b, old_remote, new_remote);
    expect(b, ROTATION_DRAINING, ACTION_PROBE_NEW);
    answered(b, EVENT_PROBED_NEW, &ok);
}

static inline void to_deleted(struct bench *b)
{
    to_gates(b);
    expect(b, ROTATION_DELETING, ACTION_GET);
    got(b, old_remote);
    expect(b, ROTATION_DELETING, ACTION_DELETE);
    answered(b, EVENT_DELETED, &ok);
    expect(b, ROTATION_DELETED, ACTION_PROBE_OLD);
}
