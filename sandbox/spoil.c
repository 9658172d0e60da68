/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One function a kind of damage, and the two switches that choose them. */
#include "sandbox/spoil.h"

#include <string.h>

#include "sandbox/spoil-json.h"
#include "sandbox/text.h"

void spoil_order(const struct fault *fault, struct order *order)
{
    if (fault->kind == FAULT_WIDEN_PERMISSIONS)
        order->full = spoil_widen(&order->permissions) || order->full;
    if (fault->kind == FAULT_OTHER_PERMISSIONS) {
        order->full = false;
        spoil_exchange(&order->permissions);
    }
}

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
    switch ((int)fault->kind) {
    case FAULT_NOT_FOUND:
        return reply_error(404, NULL, "There is nothing of that id");
    case FAULT_WRONG_PATH:
        return reply_html(404, "Not Found");
    case FAULT_RATE_LIMIT_HEADER:
    case FAULT_RATE_LIMIT_BODY:
        return limited(fault);
    case FAULT_ERROR_401:
        return reply_error(401, NULL, "The API key is missing, invalid or revoked");
    case FAULT_ERROR_403:
        return forbidden();
    case FAULT_ERROR_422:
        return reply_error(422, NULL, "The request can't be processed");
    case FAULT_ERROR_500:
        return reply_error(500, NULL, "Something went wrong");
    case FAULT_ERROR_502:
        return reply_error(502, NULL, "An upstream service gave no answer");
    case FAULT_ERROR_503:
        return reply_error(503, NULL, "The service is down for maintenance");
    case FAULT_HTML_503:
        return reply_html(503, "Service Unavailable");
    case FAULT_HTML_200:
        return reply_html(200, "Welcome");
    case FAULT_HTML_403:
        return reply_html(403, "Forbidden");
    case FAULT_PROXY_401:
        return proxy();
    case FAULT_CONFLICT_409:
        return reply_error(409, NULL, "The request is in conflict with another one");
    case FAULT_REDIRECT:
        return redirect();
    case FAULT_RESET:
        return reply_none(DELIVER_RESET);
    }
    return reply_none(DELIVER_NOTHING); /* lose-reply, commit-late */
}

/* So that there is something to spoil where the true answer has no body. */
static void need_body(struct reply *reply)
{
    if (reply->json != NULL || reply->html != NULL)
        return;
    reply->json = json_object_new_object();
    json_object_object_add(reply->json, "success", json_object_new_boolean(TRUE));
    if (reply->status == 204)
        reply->status = 200;
}

static void break_json(struct reply *reply)
{
    reply_render(reply);
    reply->text[strlen(reply->text) / 2] = '\0';
}

static void date(struct reply *reply, usec_t now, gint64 off)
{
    g_autofree char *when = text_http_time((usec_t)((gint64)now + off * (gint64)USEC_PER_SEC));

    reply_set_header(reply, "Date", "%s", when);
}

static void spoil_delivery(const struct fault *fault, struct reply *reply, enum delivery delivery)
{
    need_body(reply);
    reply->delivery = delivery;
    reply->slow_for = (usec_t)fault->seconds * USEC_PER_SEC;
}

static void spend(const struct fault *fault, struct reply *reply, usec_t now)
{
    reply_set_header(reply, "X-RateLimit-Remaining", "0");
    reply_set_header(reply, "X-RateLimit-Reset", "%" G_GINT64_FORMAT,
                     (gint64)(now / USEC_PER_SEC) + fault->seconds);
}

void spoil_reply(const struct fault *fault, struct reply *reply, usec_t now, const char *other_id)
{
    switch ((int)fault->kind) {
    case FAULT_RATE_LIMIT_HEADER:
    case FAULT_RATE_LIMIT_BODY:
        spend(fault, reply, now);
        return;
    case FAULT_CUT_BODY:
        spoil_delivery(fault, reply, DELIVER_HALF);
        return;
    case FAULT_SLOW:
        spoil_delivery(fault, reply, DELIVER_SLOWLY);
        return;
    case FAULT_DELAY:
        reply->delay = (usec_t)fault->seconds * USEC_PER_SEC;
        return;
    case FAULT_BROKEN_JSON:
        need_body(reply);
        break_json(reply);
        return;
    case FAULT_WRONG_CLOCK:
        date(reply, now, fault->seconds);
        return;
    case FAULT_NO_DATE:
        reply_set_header(reply, "Date", NULL);
        return;
    case FAULT_HUGE_BODY:
    case FAULT_WRONG_TYPES:
        need_body(reply);
    }
    if (reply->json != NULL)
        spoil_json(fault, reply->status, reply->json, other_id);
}
