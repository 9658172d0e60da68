/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments out, results in. An answer that does not hold what its status promises is not complete. */
#include "daemon/io/provider-request.h"

#include <errno.h>
#include <string.h>

#include "daemon/io/provider-message.h"
#include "daemon/util/text.h"

struct provider_request *provider_request_new(enum request_kind kind, enum provider_priority priority,
                                              const struct secret *key, provider_done_fn done, void *userdata)
{
    struct provider_request *request = g_new0(struct provider_request, 1);

    *request = (struct provider_request){
        .kind = kind, .priority = priority, .key = secret_copy(key), .done = done, .userdata = userdata};
    if (kind == REQUEST_LIST)
        request->listing = listing_new();
    return request;
}

static void clear_result(struct provider_result *result)
{
    answer_clear(&result->answer);
    remote_key_clear(&result->key);
    secret_free(result->secret);
    *result = (struct provider_result){0};
}

struct provider_request *provider_request_free(struct provider_request *request)
{
    clear_result(&request->result);
    listing_free(request->listing);
    secret_free(request->key);
    g_free(request->id);
    g_free((char *)request->create.name);
    g_strfreev((char **)request->create.permissions);
    g_free((char *)request->create.idempotency_key);
    g_free(request);
    return NULL;
}

/* Arguments */

const char *provider_request_member(const struct provider_request *request)
{
    static const char *const members[] = {[REQUEST_CREATE] = "Create",
                                          [REQUEST_LIST] = "List",
                                          [REQUEST_GET] = "Get",
                                          [REQUEST_DELETE] = "Delete",
                                          [REQUEST_PROBE] = "Probe"};

    return members[request->kind];
}

static int append_create(sd_bus_message *m, const struct provider_create *create)
{
    int r;

    r = sd_bus_message_append(m, "sss", create->name, environment_name(create->type),
                              create->full_access ? "full" : "custom");
    if (r >= 0)
        r = sd_bus_message_append_strv(m, (char **)create->permissions);
    return r < 0 ? r : sd_bus_message_append(m, "s", create->idempotency_key);
}

int provider_request_append(const struct provider_request *request, const struct api_settings *settings,
                            sd_bus_message *m)
{
    int r;

    if (request->key == NULL)
        return -ENOMEM;
    r = provider_append_api(m, settings);
    if (r >= 0)
        r = sd_bus_message_append(m, "s", secret_text(request->key));
    if (r < 0)
        return r;
    switch (request->kind) {
    case REQUEST_CREATE:
        return append_create(m, &request->create);
    case REQUEST_LIST:
        return sd_bus_message_append(m, "uu", LISTING_PAGE, listing_offset(request->listing));
    case REQUEST_GET:
    case REQUEST_DELETE:
        return sd_bus_message_append(m, "s", request->id);
    case REQUEST_PROBE:
        return 0;
    }
    return -EINVAL;
}

/* Results */

static bool succeeded(const struct answer *answer)
{
    return answer->complete && answer->status >= 200 && answer->status < 300;
}

static int read_create(sd_bus_message *m, struct provider_result *result)
{
    const char *text;
    int r;

    r = provider_read_key(m, &result->key);
    if (r >= 0)
        r = sd_bus_message_read(m, "s", &text);
    if (r < 0)
        return r;
    result->secret = secret_new(text, strlen(text));
    if (result->secret == NULL && errno != EINVAL)
        return -errno;
    result->malformed_secret = result->secret == NULL;
    return 0;
}

/* 1: there is more. */
static int read_page(sd_bus_message *m, struct listing *listing, bool *ret_counts)
{
    g_autoptr(GArray) keys = NULL;
    uint64_t total;
    int r, has_more;

    r = provider_read_keys(m, &keys);
    if (r >= 0)
        r = sd_bus_message_read(m, "tb", &total, &has_more);
    if (r < 0)
        return r;
    switch (listing_add(listing, (struct remote_key *)(void *)keys->data, keys->len, total, has_more)) {
    case LISTING_MORE:
        return 1;
    case LISTING_WHOLE:
        *ret_counts = true;
        return 0;
    case LISTING_WRONG:
        return 0;
    }
    return -EINVAL;
}

/* What comes with a success: 1: a page, and there is more. */
static int read_body(struct provider_request *request, sd_bus_message *m)
{
    switch (request->kind) {
    case REQUEST_CREATE:
        return read_create(m, &request->result);
    case REQUEST_LIST:
        return read_page(m, request->listing, &request->result.counts);
    case REQUEST_GET:
        return provider_read_key(m, &request->result.key);
    case REQUEST_DELETE:
    case REQUEST_PROBE:
        return 0;
    }
    return -EINVAL;
}

bool provider_request_read(struct provider_request *request, sd_bus_message *reply)
{
    struct answer *answer = &request->result.answer;
    int r;

    clear_result(&request->result);
    r = provider_read_answer(reply, answer);
    if (r < 0) {
        provider_request_fail(request, true, "the helper answered nonsense");
        return false;
    }
    r = succeeded(answer) ? read_body(request, reply) : 0;
    if (r < 0) {
        answer->complete = false;
        g_free(answer->message);
        answer->message = g_strdup("the helper answered without what the answer should hold");
    }
    return r > 0;
}

void provider_request_fail(struct provider_request *request, bool sent, const char *message)
{
    clear_result(&request->result);
    request->result.answer = (struct answer){.sent = sent,
                                             .error = g_strdup(""),
                                             .message = text_line(message, NULL),
                                             .request_id = g_strdup(""),
                                             .rate_limit = -1,
                                             .rate_remaining = -1,
                                             .rate_reset = -1};
}

void provider_request_finish(struct provider_request *request)
{
    provider_done_fn done = request->done;

    if (done == NULL)
        return;
    if (request->listing != NULL) {
        request->result.keys = (struct remote_key *)(void *)request->listing->keys->data;
        request->result.n_keys = request->listing->keys->len;
    }
    request->done = NULL;
    done(&request->result, request->userdata);
}
