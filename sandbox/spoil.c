/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of what stands in place of an answer, and of what is done to one. */
#include "sandbox/spoil.h"

#include <string.h>

#include "sandbox/spoil-json.h"
#include "sandbox/text.h"

void spoil_order(const struct fault *fault, struct order *order)
{
    if (fault->kind == FAULT_WIDEN_PERMISSIONS && !order->full)
        order->full = spoil_widen(&order->permissions);
    if (fault->kind == FAULT_OTHER_PERMISSIONS) {
        order->full = false;
        spoil_exchange(&order->permissions);
    }
}

/* Answers that need no more than a status and a sentence. */
static const struct {
    unsigned status;
    bool html;
    const char *message;
} instead[FAULT_KINDS] = {
    [FAULT_NOT_FOUND] = {404, false, "There is nothing of that id"},
    [FAULT_WRONG_PATH] = {404, true, "Not Found"},
    [FAULT_ERROR_401] = {401, false, "The API key is missing, invalid or revoked"},
    [FAULT_ERROR_422] = {422, false, "The request can't be processed"},
    [FAULT_ERROR_500] = {500, false, "Something went wrong"},
    [FAULT_ERROR_502] = {502, false, "An upstream service gave no answer"},
    [FAULT_ERROR_503] = {503, false, "The service is down for maintenance"},
    [FAULT_HTML_503] = {503, true, "Service Unavailable"},
    [FAULT_HTML_200] = {200, true, "Welcome"},
    [FAULT_HTML_403] = {403, true, "Forbidden"},
    [FAULT_CONFLICT_409] = {409, false, "The request is in conflict with another one"},
};

static struct reply *limited(const struct fault *fault)
{
    struct reply *reply = reply_error(429, NULL, "Too many requests");

    if (fault->kind == FAULT_RATE_LIMIT_HEADER)
        reply_set_header(reply, "Retry-After", "%" G_GINT64_FORMAT, fault->seconds);
    else
        json_object_object_add(reply->json, "retry_after", json_object_new_int64(fault->seconds));
    return reply;
}

static struct reply *forbidden(void)
{
    json_object *details = json_object_new_object();

    json_add_text(details, "required_permission", "admin:write");
    json_object_object_add(details, "key_permissions", json_object_new_array());
    return reply_error(403, details, "This API key does not have the permission that is needed");
}

static struct reply *redirect(void)
{
    struct reply *reply = reply_new(301, NULL);

    reply_set_header(reply, "Location", "/elsewhere");
    return reply;
}

static struct reply *proxy(void)
{
    json_object *json = json_object_new_object();

    json_add_text(json, "message", "Proxy authentication is needed");
    return reply_new(401, json);
}

struct reply *spoil_instead(const struct fault *fault)
{
    const enum fault_kind kind = fault->kind;

    if (instead[kind].html)
        return reply_html(instead[kind].status, instead[kind].message);
    if (instead[kind].status > 0)
        return reply_error(instead[kind].status, NULL, "%s", instead[kind].message);
    if (kind == FAULT_RATE_LIMIT_HEADER || kind == FAULT_RATE_LIMIT_BODY)
        return limited(fault);
    if (kind == FAULT_ERROR_403)
        return forbidden();
    if (kind == FAULT_PROXY_401)
        return proxy();
    if (kind == FAULT_REDIRECT)
        return redirect();
    return reply_none(kind == FAULT_RESET ? DELIVER_RESET : DELIVER_NOTHING);
}

/* So that there is something to spoil where the true answer has no body. */
static void give_body(const struct fault *fault, struct reply *reply, usec_t now)
{
    if (reply->json != NULL || reply->html != NULL)
        return;
    reply->json = json_object_new_object();
    json_object_object_add(reply->json, "success", json_object_new_boolean(TRUE));
    if (reply->status == 204)
        reply->status = 200;
}

static void break_json(const struct fault *fault, struct reply *reply, usec_t now)
{
    give_body(fault, reply, now);
    reply_render(reply);
    reply->text[strlen(reply->text) / 2] = '\0';
}

static void cut(const struct fault *fault, struct reply *reply, usec_t now)
{
    give_body(fault, reply, now);
    reply->delivery = DELIVER_HALF;
}

static void slow(const struct fault *fault, struct reply *reply, usec_t now)
{
    give_body(fault, reply, now);
    reply->delivery = DELIVER_SLOWLY;
    reply->slow_for = (usec_t)fault->seconds * USEC_PER_SEC;
}

static void delay(const struct fault *fault, struct reply *reply, usec_t now)
{
    reply->delay = (usec_t)fault->seconds * USEC_PER_SEC;
}

static void shift_date(const struct fault *fault, struct reply *reply, usec_t now)
{
    g_autofree char *when = text_http_time((usec_t)((gint64)now + fault->seconds * (gint64)USEC_PER_SEC));

    reply_set_header(reply, "Date", "%s", when);
}

static void drop_date(const struct fault *fault, struct reply *reply, usec_t now)
{
    reply_set_header(reply, "Date", NULL);
}

static void spend_rate(const struct fault *fault, struct reply *reply, usec_t now)
{
    reply_set_header(reply, "X-RateLimit-Remaining", "0");
    reply_set_header(reply, "X-RateLimit-Reset", "%" G_GINT64_FORMAT,
                     (gint64)(now / USEC_PER_SEC) + fault->seconds);
}

static void (*const spoilers[FAULT_KINDS])(const struct fault *, struct reply *, usec_t) = {
    [FAULT_RATE_LIMIT_HEADER] = spend_rate,
    [FAULT_RATE_LIMIT_BODY] = spend_rate,
    [FAULT_CUT_BODY] = cut,
    [FAULT_SLOW] = slow,
    [FAULT_DELAY] = delay,
    [FAULT_HUGE_BODY] = give_body,
    [FAULT_BROKEN_JSON] = break_json,
    [FAULT_WRONG_TYPES] = give_body,
    [FAULT_WRONG_CLOCK] = shift_date,
    [FAULT_NO_DATE] = drop_date,
};

void spoil_reply(const struct fault *fault, struct reply *reply, usec_t now, const char *other_id)
{
    if (spoilers[fault->kind] != NULL)
        spoilers[fault->kind](fault, reply, now);
    if (reply->json != NULL)
        spoil_json(fault, reply->status, reply->json, other_id);
}
