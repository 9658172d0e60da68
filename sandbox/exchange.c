/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole, half, slow, or nothing at all. */
#include "sandbox/exchange.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BLOCK_SIZE (32 * 1024)

struct exchange *exchange_new(sd_event_source *kick, GPtrArray *waiting, struct MHD_Connection *connection,
                              const char *target)
{
    struct exchange *exchange = g_new0(struct exchange, 1);

    exchange->kick = kick;
    exchange->waiting = waiting;
    exchange->connection = connection;
    exchange->request = request_new(target);
    return exchange;
}

struct exchange *exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return NULL;
    g_ptr_array_remove_fast(exchange->waiting, exchange);
    sd_event_source_unref(exchange->timer);
    request_free(exchange->request);
    reply_free(exchange->reply);
    g_free(exchange);
    return NULL;
}

static char *header(struct exchange *exchange, const char *name)
{
    return g_strdup(MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name));
}

static char *argument(struct exchange *exchange, const char *name)
{
    return g_strdup(MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name));
}

static char *secret(struct exchange *exchange)
{
    static const char bearer[] = "Bearer ";
    const char *value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "X-API-Key");

    if (value != NULL)
        return g_strdup(value);
    value = MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, "Authorization");
    if (value == NULL || g_ascii_strncasecmp(value, bearer, strlen(bearer)) != 0)
        return NULL;
    return g_strdup(value + strlen(bearer));
}

void exchange_begin(struct exchange *exchange, const char *method, const char *path)
{
    struct request *request = exchange->request;

    request->method = g_strdup(method);
    request->path = g_strdup(path);
    request->secret = secret(exchange);
    request->idempotency_key = header(exchange, "Idempotency-Key");
    request->limit = argument(exchange, "limit");
    request->offset = argument(exchange, "offset");
}

void exchange_take(struct exchange *exchange, const char *data, size_t size)
{
    struct request *request = exchange->request;
    size_t room = REQUEST_BODY_MAX - request->body->len;

    request->too_large = request->too_large || size > room;
    g_string_append_len(request->body, data, (gssize)MIN(size, room));
}

static usec_t monotonic(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

void exchange_resume(struct exchange *exchange)
{
    exchange->timer = sd_event_source_unref(exchange->timer);
    exchange->byte_due = true;
    g_ptr_array_remove_fast(exchange->waiting, exchange);
    MHD_resume_connection(exchange->connection);
    sd_event_source_set_time_relative(exchange->kick, 0);
    sd_event_source_set_enabled(exchange->kick, SD_EVENT_ONESHOT);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    exchange_resume(userdata);
    return 0;
}

void exchange_wait(struct exchange *exchange, usec_t delay)
{
    sd_event *event = sd_event_source_get_event(exchange->kick);

    if (sd_event_add_time_relative(event, &exchange->timer, CLOCK_MONOTONIC, delay, 1, on_time, exchange) < 0)
        return;
    g_ptr_array_add(exchange->waiting, exchange);
    MHD_suspend_connection(exchange->connection);
}

static ssize_t send_some(const char *text, uint64_t at, size_t size, char *buffer)
{
    memcpy(buffer, text + at, size);
    return (ssize_t)size;
}

static ssize_t read_half(void *userdata, uint64_t at, char *buffer, size_t max)
{
    const char *text = ((struct exchange *)userdata)->reply->text;
    const size_t half = strlen(text) / 2;

    if (at >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    return send_some(text, at, MIN(half - at, max), buffer);
}

static ssize_t read_slowly(void *userdata, uint64_t at, char *buffer, size_t max)
{
    struct exchange *exchange = userdata;
    const char *text = exchange->reply->text;

    if (monotonic() >= exchange->slow_until)
        return send_some(text, at, MIN(strlen(text) - at, max), buffer);
    if (!exchange->byte_due) {
        exchange_wait(exchange, USEC_PER_SEC);
        return 0;
    }
    exchange->byte_due = false;
    return send_some(text, at, 1, buffer);
}

/* Without leave-taking: libmicrohttpd would end the stream properly first, so that no reset came. */
static void reset(struct exchange *exchange)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    if (info != NULL && connect(info->connect_fd, &nowhere, sizeof nowhere) < 0)
        shutdown(info->connect_fd, SHUT_RDWR);
}

static struct MHD_Response *response_of(struct exchange *exchange)
{
    struct reply *reply = exchange->reply;
    const size_t size = strlen(reply->text);

    switch (reply->delivery) {
    case DELIVER_WHOLE:
        return MHD_create_response_from_buffer(size, reply->text, MHD_RESPMEM_MUST_COPY);
    case DELIVER_HALF:
        return MHD_create_response_from_callback(size, BLOCK_SIZE, read_half, exchange, NULL);
    case DELIVER_SLOWLY:
        exchange->slow_until = monotonic() + reply->slow_for;
        exchange->byte_due = true;
        return MHD_create_response_from_callback(size, BLOCK_SIZE, read_slowly, exchange, NULL);
    case DELIVER_RESET:
        reset(exchange);
        return NULL;
    case DELIVER_NOTHING:
        return NULL;
    }
    g_assert_not_reached();
}

enum MHD_Result exchange_deliver(struct exchange *exchange)
{
    struct MHD_Response *response = response_of(exchange);
    enum MHD_Result result;

    if (response == NULL)
        return MHD_NO;
    for (unsigned i = 0; i < exchange->reply->headers->len; i++) {
        const struct header *h = &g_array_index(exchange->reply->headers, struct header, i);

        MHD_add_response_header(response, h->name, h->value);
    }
    result = MHD_queue_response(exchange->connection, exchange->reply->status, response);
    MHD_destroy_response(response);
    return result;
}
