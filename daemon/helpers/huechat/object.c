/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.keyturn1.Provider: reads a call, makes its one request, answers. Keys stay in messages marked
 * sensitive, and in memory that is erased. */
#include "daemon/helpers/huechat/object.h"

#include <errno.h>
#include <string.h>

#include "daemon/helpers/huechat/api.h"
#include "daemon/helpers/huechat/arguments.h"
#include "daemon/helpers/huechat/http.h"
#include "daemon/helpers/huechat/results.h"
#include "daemon/util/cleanup.h"
#include "dbus/names.h"

#define HTTP_NO_CONTENT 204

/* One call, from its arguments to its answer. Borrowed texts are the message's. */
struct call {
    struct api api;
    const char *key;
    const char *idempotency_key; /* or NULL */
    char *url;
    char *body; /* or NULL */
    struct http_reply reply;
    struct answer answer;
};

static void call_clear(struct call *call)
{
    g_free(call->url);
    g_free(call->body);
    http_reply_clear(&call->reply);
    answer_clear(&call->answer);
}

static void erase_p(char **secret)
{
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    g_free(*secret);
}

#define _cleanup_call_ _cleanup_(call_clear)
#define _cleanup_secret_ _cleanup_(erase_p)

/* The two arguments that every call begins with. */
static int read_call(sd_bus_message *m, struct call *call, sd_bus_error *ret_error)
{
    int r = api_read(m, &call->api, ret_error);

    return r < 0 ? r : arguments_read_key(m, &call->key, ret_error);
}

/* Makes the request. True: it was a success whose body is to be judged. */
static bool ask(struct call *call, const char *method)
{
    struct http_request request = {
        .method = method,
        .url = call->url,
        .key_header = call->api.key_header,
        .key = call->key,
        .idempotency_key = call->idempotency_key,
        .body = call->body,
        .ca_file = call->api.ca_file,
        .proxy = call->api.proxy,
        .timeout = call->api.timeout,
    };

    http_exchange(&request, &call->reply);
    answer_read(&call->reply, call->key, &call->answer);
    return answer_is_success(&call->answer, &call->reply);
}

/* Begins the answer to a call. */
static int start_results(sd_bus_message *m, const struct call *call, sd_bus_message **ret)
{
    int r = sd_bus_message_new_method_return(m, ret);

    return r < 0 ? r : results_append_answer(*ret, &call->answer);
}

static int read_create(sd_bus_message *m, struct call *call, sd_bus_error *ret_error)
{
    int r = read_call(m, call, ret_error);

    if (r >= 0)
        r = arguments_read_wish(m, &call->body, ret_error);
    return r < 0 ? r : arguments_read_idempotency_key(m, &call->idempotency_key, ret_error);
}

static int method_create(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ struct call call = {};
    _cleanup_message_ sd_bus_message *results = NULL;
    _cleanup_(key_clear) struct key key = {};
    _cleanup_secret_ char *secret = NULL;
    const char *why = NULL;
    int fit, r;

    r = read_create(m, &call, ret_error);
    if (r < 0)
        return r;
    call.url = api_keys_url(&call.api);
    if (ask(&call, "POST")) {
        fit = contract_read_created(call.reply.body, call.reply.length, &key, &secret, &why);
        answer_judge(&call.answer, fit, why);
    }
    r = start_results(m, &call, &results);
    if (r >= 0)
        r = results_append_key(results, &key);
    if (r >= 0)
        r = sd_bus_message_append(results, "s", secret ? secret : "");
    return r < 0 ? r : sd_bus_send(NULL, results, NULL);
}

static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ struct call call = {};
    _cleanup_message_ sd_bus_message *results = NULL;
    _cleanup_(listing_clear) struct listing listing = {};
    const char *why = NULL;
    unsigned limit, offset;
    int fit, r;

    r = read_call(m, &call, ret_error);
    if (r >= 0)
        r = arguments_read_page(m, &limit, &offset, ret_error);
    if (r < 0)
        return r;
    call.url = api_page_url(&call.api, limit, offset);
    if (ask(&call, "GET")) {
        fit = contract_read_listing(call.reply.body, call.reply.length, limit, offset, &listing, &why);
        answer_judge(&call.answer, fit, why);
    }
    r = start_results(m, &call, &results);
    if (r >= 0)
        r = results_append_keys(results, listing.keys);
    if (r >= 0)
        r = sd_bus_message_append(results, "tb", listing.total, listing.has_more);
    return r < 0 ? r : sd_bus_send(NULL, results, NULL);
}

static void judge_key(struct call *call, const char *id, struct key *key)
{
    const char *why = NULL;
    int fit = contract_read_key(call->reply.body, call->reply.length, key, &why);

    if (fit >= 0 && strcmp(key->id, id) != 0) {
        key_clear(key);
        fit = -EBADMSG;
        why = "id";
    }
    answer_judge(&call->answer, fit, why);
}

static int method_get(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ struct call call = {};
    _cleanup_message_ sd_bus_message *results = NULL;
    _cleanup_(key_clear) struct key key = {};
    const char *id;
    int r;

    r = read_call(m, &call, ret_error);
    if (r >= 0)
        r = arguments_read_id(m, &id, ret_error);
    if (r < 0)
        return r;
    call.url = api_key_url(&call.api, id);
    if (ask(&call, "GET"))
        judge_key(&call, id, &key);
    r = start_results(m, &call, &results);
    if (r >= 0)
        r = results_append_key(results, &key);
    return r < 0 ? r : sd_bus_send(NULL, results, NULL);
}

/* A page of somebody else's, with a fine status, must not pass for a deletion. */
static void judge_deletion(struct call *call)
{
    const char *why = NULL;
    int fit = 0;

    if (call->answer.status != HTTP_NO_CONTENT && call->reply.length > 0)
        fit = contract_read_object(call->reply.body, call->reply.length, &why);
    answer_judge(&call->answer, fit, why);
}

static int method_delete(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ struct call call = {};
    _cleanup_message_ sd_bus_message *results = NULL;
    const char *id;
    int r;

    r = read_call(m, &call, ret_error);
    if (r >= 0)
        r = arguments_read_id(m, &id, ret_error);
    if (r < 0)
        return r;
    call.url = api_key_url(&call.api, id);
    if (ask(&call, "DELETE"))
        judge_deletion(&call);
    r = start_results(m, &call, &results);
    return r < 0 ? r : sd_bus_send(NULL, results, NULL);
}

static int method_probe(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ struct call call = {};
    _cleanup_message_ sd_bus_message *results = NULL;
    const char *why = NULL;
    int fit, r;

    r = read_call(m, &call, ret_error);
    if (r < 0)
        return r;
    call.url = api_probe_url(&call.api);
    if (ask(&call, "GET")) {
        fit = contract_read_data(call.reply.body, call.reply.length, &why);
        answer_judge(&call.answer, fit, why);
    }
    r = start_results(m, &call, &results);
    return r < 0 ? r : sd_bus_send(NULL, results, NULL);
}

#define FLAGS SD_BUS_VTABLE_SENSITIVE | SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create",
                            SD_BUS_ARGS("a{sv}", api, "s", management_key, "s", name, "s", type, "s", access,
                                        "as", permissions, "s", idempotency_key),
                            SD_BUS_RESULT("a{sv}", answer, "a{sv}", key, "s", secret), method_create, FLAGS),
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", api, "s", management_key, "u", limit, "u", offset),
                            SD_BUS_RESULT("a{sv}", answer, "aa{sv}", keys, "t", total, "b", has_more),
                            method_list, FLAGS),
    SD_BUS_METHOD_WITH_ARGS("Get", SD_BUS_ARGS("a{sv}", api, "s", management_key, "s", id),
                            SD_BUS_RESULT("a{sv}", answer, "a{sv}", key), method_get, FLAGS),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("a{sv}", api, "s", management_key, "s", id),
                            SD_BUS_RESULT("a{sv}", answer), method_delete, FLAGS),
    SD_BUS_METHOD_WITH_ARGS("Probe", SD_BUS_ARGS("a{sv}", api, "s", key), SD_BUS_RESULT("a{sv}", answer),
                            method_probe, FLAGS),
    SD_BUS_VTABLE_END,
};

int object_add(sd_bus *bus)
{
    return sd_bus_add_object_vtable(bus, NULL, KT_HELPER_PATH, KT_PROVIDER_INTERFACE, vtable, NULL);
}
