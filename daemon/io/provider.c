/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The queue: one request at a time, people before background, none before the budget allows it. Everything
 * happens from the event loop, nothing inside a call. Touches its helper alone. */
#include "daemon/io/provider.h"

#include <glib.h>

#include "daemon/core/budget.h"
#include "daemon/io/helper.h"
#include "daemon/io/provider-request.h"
#include "daemon/util/cleanup.h"
#include "dbus/names.h"

#define IDLE (30 * USEC_PER_SEC)

/* What a helper may take beyond the time-out of its request. */
#define GRACE (5 * USEC_PER_SEC)

/* Waits are cut up: what a wait was for may have changed. */
#define WAIT_MAX (15 * USEC_PER_MINUTE)

enum stage {
    STAGE_WAITING, /* for its turn to ask for the next page */
    STAGE_LEAVING, /* its hook is being called */
    STAGE_ASKED,   /* the helper has it */
};

struct provider {
    sd_event *event;
    const struct api_settings *settings;
    struct helper *helper;
    struct budget budget;
    GQueue queues[PRIORITY_BACKGROUND + 1]; /* struct provider_request */
    struct provider_request *current;       /* out of the queue, not finished */
    enum stage stage;                       /* of current */
    bool sent;                              /* whether its arguments went to the helper */
    sd_event_source *turn, *wait;
    bool freeing;
};

/* The budget's clock: it can't be set, and goes on in suspend. */
static usec_t now_of(struct provider *provider)
{
    uint64_t now = 0;

    sd_event_now(provider->event, CLOCK_BOOTTIME, &now);
    return now;
}

static void take_turn(struct provider *provider)
{
    sd_event_source_set_enabled(provider->turn, SD_EVENT_ONESHOT);
}

/* The end of a request */

/* The last that is done with either: the callback may free the provider. */
static void end(struct provider_request *request)
{
    provider_request_finish(request);
    provider_request_free(request);
}

static void end_current(struct provider *provider)
{
    struct provider_request *request = g_steal_pointer(&provider->current);

    take_turn(provider);
    end(request);
}

/* By contract a helper that finds no sense in the arguments has sent nothing. */
static void take_error(struct provider *provider, const sd_bus_error *error)
{
    bool sent = provider->sent && !sd_bus_error_has_name(error, SD_BUS_ERROR_INVALID_ARGS);

    provider_request_fail(provider->current, sent, error->message != NULL ? error->message : error->name);
}

static void on_reply(sd_bus_message *reply, const sd_bus_error *error, void *userdata)
{
    struct provider *provider = userdata;
    bool more = false;

    provider->stage = STAGE_WAITING;
    if (reply != NULL)
        more = provider_request_read(provider->current, reply);
    else
        take_error(provider, error);
    budget_note(&provider->budget, &provider->current->result.answer, now_of(provider),
                (unsigned)g_random_int_range(0, 1001));
    /* Perhaps for want of a file that took the place of one which the helper was started for. */
    if (reply != NULL && !provider->current->result.answer.sent)
        helper_kill(provider->helper);
    if (more)
        take_turn(provider);
    else
        end_current(provider);
}

/* The start of a request */

static bool may_leave(struct provider *provider, enum provider_priority priority, usec_t now,
                      usec_t *ret_next)
{
    usec_t next = budget_next(&provider->budget, priority == PRIORITY_BACKGROUND, now);

    if (next <= now)
        return true;
    *ret_next = MIN(*ret_next, next);
    return false;
}

/* The page that is due, or the next of the queues; NULL: nothing may leave now, and *ret_next says when. */
static struct provider_request *choose(struct provider *provider, usec_t now, usec_t *ret_next)
{
    if (provider->current != NULL)
        return may_leave(provider, provider->current->priority, now, ret_next) ? provider->current : NULL;
    for (enum provider_priority p = PRIORITY_PERSON; p <= PRIORITY_BACKGROUND; p++)
        if (!g_queue_is_empty(&provider->queues[p]) && may_leave(provider, p, now, ret_next))
            return g_queue_pop_head(&provider->queues[p]);
    return NULL;
}

static void wait_until(struct provider *provider, usec_t next, usec_t now)
{
    if (next == USEC_INFINITY)
        return;
    sd_event_source_set_time(provider->wait, MIN(next, now + WAIT_MAX));
    sd_event_source_set_enabled(provider->wait, SD_EVENT_ONESHOT);
}

static int new_call(struct provider *provider, sd_bus_message **ret)
{
    const char *ca_file = provider->settings->ca_file;
    _cleanup_message_ sd_bus_message *call = NULL;
    int r;

    helper_set_readable(provider->helper, *ca_file != '\0' ? ca_file : NULL);
    r = helper_new_call(provider->helper, provider_request_member(provider->current), &call);
    if (r >= 0)
        r = provider_request_append(provider->current, provider->settings, call);
    if (r >= 0)
        *ret = g_steal_pointer(&call);
    return r;
}

/* Asks the hook. False: the request is ended, and the provider may be gone: the hook may free it, which then
 * leaves the request to us. */
static bool is_let_go(struct provider *provider)
{
    struct provider_request *request = provider->current;
    provider_sending_fn sending = g_steal_pointer(&request->sending);
    bool yes;

    if (sending == NULL)
        return true;
    provider->stage = STAGE_LEAVING;
    yes = sending(request->userdata);
    if (request->done == NULL) {
        provider_request_free(request);
        return false;
    }
    if (yes)
        return true;
    provider->stage = STAGE_WAITING;
    provider_request_fail(request, false, "withdrawn before it was sent");
    end_current(provider);
    return false;
}

static void send_current(struct provider *provider)
{
    _cleanup_message_ sd_bus_message *call = NULL;

    provider->sent = new_call(provider, &call) >= 0;
    if (provider->sent && !is_let_go(provider))
        return;
    if (provider->sent)
        budget_spend(&provider->budget, now_of(provider));
    provider->stage = STAGE_ASKED;
    helper_call(provider->helper, call, usec_add(provider->settings->timeout, GRACE), on_reply, provider);
}

static int on_turn(sd_event_source *source, void *userdata)
{
    struct provider *provider = userdata;
    struct provider_request *request;
    usec_t now = now_of(provider), next = USEC_INFINITY;

    if (provider->stage != STAGE_WAITING)
        return 0;
    request = choose(provider, now, &next);
    if (request == NULL) {
        wait_until(provider, next, now);
        return 0;
    }
    provider->current = request;
    send_current(provider);
    return 0;
}

static int on_wait(sd_event_source *source, uint64_t when, void *userdata)
{
    return on_turn(source, userdata);
}

/* The object */

struct provider *provider_new(sd_event *event, const char *helper_program,
                              const struct api_settings *settings)
{
    struct provider *provider = g_new0(struct provider, 1);

    *provider = (struct provider){
        .event = sd_event_ref(event),
        .settings = settings,
        .budget = BUDGET_NEW,
        .helper = helper_new(event, helper_program, KT_PROVIDER_INTERFACE, IDLE),
    };
    if (provider->helper == NULL || sd_event_add_defer(event, &provider->turn, on_turn, provider) < 0 ||
        sd_event_source_set_enabled(provider->turn, SD_EVENT_OFF) < 0 ||
        sd_event_add_time(event, &provider->wait, CLOCK_BOOTTIME, 0, 0, on_wait, provider) < 0 ||
        sd_event_source_set_enabled(provider->wait, SD_EVENT_OFF) < 0)
        return provider_free(provider);
    return provider;
}

/* One request that the helper does not have; NULL: none is left. */
static struct provider_request *steal(struct provider *provider)
{
    if (provider->current != NULL)
        return g_steal_pointer(&provider->current);
    for (enum provider_priority p = PRIORITY_PERSON; p <= PRIORITY_BACKGROUND; p++)
        if (!g_queue_is_empty(&provider->queues[p]))
            return g_queue_pop_head(&provider->queues[p]);
    return NULL;
}

struct provider *provider_free(struct provider *provider)
{
    struct provider_request *request, *leaving;

    if (provider == NULL || provider->freeing)
        return NULL;
    provider->freeing = true;
    leaving = provider->stage == STAGE_LEAVING ? provider->current : NULL;
    helper_free(provider->helper);
    while ((request = steal(provider)) != NULL) {
        provider_request_fail(request, false, "keyturnd lets go of HueChat");
        provider_request_finish(request);
        if (request != leaving)
            provider_request_free(request);
    }
    sd_event_source_disable_unref(provider->turn);
    sd_event_source_disable_unref(provider->wait);
    sd_event_unref(provider->event);
    g_free(provider);
    return NULL;
}

void provider_set_settings(struct provider *provider, const struct api_settings *settings)
{
    provider->settings = settings;
}

static void submit(struct provider *provider, struct provider_request *request)
{
    g_queue_push_tail(&provider->queues[request->priority], request);
    take_turn(provider);
}

void provider_create(struct provider *provider, enum provider_priority priority,
                     const struct secret *management, const struct provider_create *create,
                     provider_sending_fn sending, provider_done_fn done, void *userdata)
{
    struct provider_request *request =
        provider_request_new(REQUEST_CREATE, priority, management, done, userdata);

    request->sending = sending;
    request->create = (struct provider_create){.name = g_strdup(create->name),
                                               .type = create->type,
                                               .full_access = create->full_access,
                                               .permissions = g_strdupv((char **)create->permissions),
                                               .idempotency_key = g_strdup(create->idempotency_key)};
    submit(provider, request);
}

void provider_list(struct provider *provider, enum provider_priority priority,
                   const struct secret *management, provider_done_fn done, void *userdata)
{
    submit(provider, provider_request_new(REQUEST_LIST, priority, management, done, userdata));
}

static void submit_id(struct provider *provider, struct provider_request *request, const char *id)
{
    request->id = g_strdup(id);
    submit(provider, request);
}

void provider_get(struct provider *provider, enum provider_priority priority, const struct secret *management,
                  const char *id, provider_done_fn done, void *userdata)
{
    submit_id(provider, provider_request_new(REQUEST_GET, priority, management, done, userdata), id);
}

void provider_delete(struct provider *provider, enum provider_priority priority,
                     const struct secret *management, const char *id, provider_done_fn done, void *userdata)
{
    submit_id(provider, provider_request_new(REQUEST_DELETE, priority, management, done, userdata), id);
}

void provider_probe(struct provider *provider, enum provider_priority priority, const struct secret *key,
                    provider_done_fn done, void *userdata)
{
    submit(provider, provider_request_new(REQUEST_PROBE, priority, key, done, userdata));
}
