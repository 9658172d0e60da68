/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of a request: rate limit, fault, key, scope, deed, headers, ledger. */
#include "sandbox/api.h"

#include <stdio.h>
#include <string.h>

#include "sandbox/api-keys.h"
#include "sandbox/late.h"
#include "sandbox/spoil.h"
#include "sandbox/text.h"
#include "sandbox/visit.h"

static struct reply *forbidden(const struct visit *visit, const char *scope)
{
    json_object *details = json_object_new_object();

    json_add_text(details, "required_permission", scope);
    json_object_object_add(details, "key_permissions", json_new_strv(visit->key->permissions));
    return reply_error(403, details, "This API key does not have the permission %s", scope);
}

static void note_use(struct visit *visit)
{
    const usec_t resolution = visit->sandbox->last_used_resolution;

    visit->key->last_used_at = visit->now - (resolution > 0 ? visit->now % resolution : 0);
    visit->used = true;
}

/* What HueChat does with the request. */
static struct reply *perform(struct visit *visit)
{
    const struct route *route = &visit->route;

    if (!route->in_api)
        return reply_html(404, "Not Found");
    if (visit->key == NULL)
        return reply_error(401, NULL, "The API key is missing, invalid or revoked");
    note_use(visit);
    if (!route->known)
        return reply_error(404, NULL, "There is no such endpoint");
    if (!key_may(visit->key, route_scope(route)))
        return forbidden(visit, route_scope(route));
    if (route->resource == RESOURCE_KEYS)
        return api_keys(visit);
    return data_answer(visit->sandbox->data, visit->key->type, route, visit->request, visit->now);
}

static void perform_late(void *userdata, const struct request *request)
{
    struct visit visit = visit_begin(userdata, request);

    reply_free(perform(&visit));
    visit_clear(&visit);
}

static struct reply *perform_with_fault(struct visit *visit)
{
    const struct fault *fault = &visit->fault;

    visit->faulty =
        visit->route.in_api && faults_take(visit->sandbox->faults, visit_call(visit), &visit->fault);
    if (!visit->faulty || !fault_replaces(fault->kind))
        return perform(visit);
    if (fault->kind == FAULT_COMMIT_LATE)
        late_add(visit->sandbox->late, visit->request, (usec_t)fault->seconds * USEC_PER_SEC, perform_late,
                 visit->sandbox);
    if (fault->commit)
        reply_free(perform(visit));
    return spoil_instead(fault);
}

static struct reply *limited(const struct visit *visit, const struct rate_state *state)
{
    struct reply *reply =
        reply_error(429, NULL, "The rate limit of %u requests a minute is reached", state->limit);
    gint64 seconds = (gint64)((state->reset - visit->now + USEC_PER_SEC - 1) / USEC_PER_SEC);

    json_object_object_add(reply->json, "retry_after", json_object_new_int64(seconds));
    reply_set_header(reply, "Retry-After", "%" G_GINT64_FORMAT, seconds);
    return reply;
}

static void add_headers(const struct visit *visit, struct reply *reply, const struct rate_state *state)
{
    g_autofree char *date = text_http_time(visit->now);

    reply_set_header(reply, "Date", "%s", date);
    if (reply->html != NULL)
        return;
    reply_set_header(reply, "X-Request-Id", "%s", visit->request_id);
    reply_set_header(reply, "X-RateLimit-Limit", "%u", state->limit);
    reply_set_header(reply, "X-RateLimit-Remaining", "%u", state->remaining);
    reply_set_header(reply, "X-RateLimit-Reset", "%" G_GUINT64_FORMAT, state->reset / USEC_PER_SEC);
    if (reply->json == NULL || !json_object_object_get_ex(reply->json, "error", NULL))
        return;
    json_add_text(reply->json, "request_id", visit->request_id);
    json_add_time(reply->json, "timestamp", visit->now);
}

/* Of another key in this environment, for the fault that mixes ids up. */
static const char *other_id(const struct visit *visit)
{
    g_autoptr(GPtrArray) keys = NULL;

    if (visit_fault(visit, FAULT_SAME_ID) == NULL || visit->key == NULL)
        return NULL;
    keys = keys_living(visit->sandbox->keys, visit->key->type);
    return keys->len > 0 ? ((struct key *)g_ptr_array_index(keys, keys->len - 1))->id : NULL;
}

static void record(const struct visit *visit, const struct reply *reply)
{
    const struct request *request = visit->request;
    json_object *line = json_object_new_object();
    const char *fault = visit->faulty ? fault_name(visit->fault.kind) : NULL;
    g_autofree char *time = text_precise_time(clock_now()), *path = text_shown(request->target);
    g_autofree char *method = text_shown(request->method),
                    *idempotency = text_shown(request->idempotency_key);

    json_add_text(line, "time", time);
    json_add_text(line, "method", method);
    json_add_text(line, "path", path);
    json_object_object_add(line, "status", json_object_new_int((int)reply->status));
    json_add_text(line, "key_id", visit->known != NULL ? visit->known->id : NULL);
    json_add_text(line, "last4", visit->known != NULL ? visit->known->last4 : NULL);
    if (visit->used)
        json_add_time(line, "used_at", visit->known->last_used_at);
    json_add_text(line, "idempotency_key", idempotency);
    json_add_text(line, "fault", fault);
    sandbox_check(visit->sandbox, ledger_request(visit->sandbox->ledger, line));
    if (visit->sandbox->quiet)
        return;
    printf("%s %s %s %u key=%s%s%s\n", time, method, path, reply->status,
           visit->known != NULL ? visit->known->last4 : "-", fault != NULL ? " fault=" : "",
           fault != NULL ? fault : "");
    fflush(stdout);
}

static enum budget budget_of(const struct visit *visit)
{
    if (visit->key == NULL)
        return BUDGET_UNKNOWN;
    return visit->key->type == KEY_LIVE ? BUDGET_LIVE : BUDGET_TEST;
}

struct reply *api_answer(struct sandbox *sandbox, const struct request *request)
{
    struct visit visit = visit_begin(sandbox, request);
    struct rate_state state = {0};
    struct reply *reply;

    if (visit.route.in_api && !rate_take(&sandbox->rate, budget_of(&visit), visit.now, &state))
        reply = limited(&visit, &state);
    else
        reply = perform_with_fault(&visit);
    add_headers(&visit, reply, &state);
    if (visit.faulty)
        spoil_reply(&visit.fault, reply, visit.now, other_id(&visit));
    record(&visit, reply);
    reply_render(reply);
    visit_clear(&visit);
    return reply;
}
