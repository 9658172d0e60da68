/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmicrohttpd's epoll as one more source of the event loop: no threads, and a connection that waits is
 * suspended, so that it holds no other one up. */
#include "sandbox/server.h"

#include <microhttpd.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sandbox/exchange.h"

#define IDLE_SECONDS 120u

struct server {
    sd_event *event;
    struct MHD_Daemon *daemon;
    sd_event_source *io;
    sd_event_source *timer; /* libmicrohttpd's own time-outs */
    GPtrArray *waiting;     /* struct exchange, suspended */
    answer_fn answer;
    void *userdata;
    char *trouble; /* what libmicrohttpd said while it started */
    bool started;
};

static void *on_target(void *userdata, const char *target, struct MHD_Connection *connection)
{
    struct server *server = userdata;

    return exchange_new(server->timer, server->waiting, connection, target);
}

static void on_completed(void *userdata, struct MHD_Connection *connection, void **exchange,
                         enum MHD_RequestTerminationCode how)
{
    *exchange = exchange_free(*exchange);
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *connection, const char *path,
                                  const char *method, const char *version, const char *data, size_t *size,
                                  void **exchange_p)
{
    struct server *server = userdata;
    struct exchange *exchange = *exchange_p;

    if (exchange->request->method == NULL) {
        exchange_begin(exchange, method, path);
        return MHD_YES;
    }
    if (*size > 0) {
        exchange_take(exchange, data, *size);
        *size = 0;
        return MHD_YES;
    }
    if (exchange->reply == NULL) {
        exchange->reply = server->answer(server->userdata, exchange->request);
        if (exchange->reply->delay > 0) {
            exchange_wait(exchange, exchange->reply->delay);
            return MHD_YES;
        }
    }
    return exchange_deliver(exchange);
}

static int run(struct server *server)
{
    MHD_UNSIGNED_LONG_LONG milliseconds;
    int r;

    MHD_run(server->daemon);
    if (MHD_get_timeout(server->daemon, &milliseconds) != MHD_YES)
        return sd_event_source_set_enabled(server->timer, SD_EVENT_OFF);
    r = sd_event_source_set_time_relative(server->timer, milliseconds * USEC_PER_MSEC);
    return r < 0 ? r : sd_event_source_set_enabled(server->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
    return run(userdata);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    return run(userdata);
}

/* Later it only tells of connections that end before their time, which is what they are meant to do here. */
static void on_log(void *userdata, const char *format, va_list ap) G_GNUC_PRINTF(2, 0);
static void on_log(void *userdata, const char *format, va_list ap)
{
    struct server *server = userdata;

    if (server->started)
        return;
    g_free(server->trouble);
    server->trouble = g_strchomp(g_strdup_vprintf(format, ap));
}

static struct MHD_Daemon *start(struct server *server, int listen_fd, const char *certificate,
                                const char *key)
{
    const unsigned flags = MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME | MHD_USE_SUPPRESS_DATE_NO_CLOCK |
                           MHD_USE_ERROR_LOG | (certificate != NULL ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    return MHD_start_daemon(flags, 0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, on_log,
                            server, MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK,
                            on_target, server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
                            MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
                            MHD_OPTION_ARRAY, certificate != NULL ? tls : none, MHD_OPTION_END);
}

static int attach(struct server *server)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int r = sd_event_add_time(server->event, &server->timer, CLOCK_MONOTONIC, 0, 1, on_time, server);

    return r < 0 ? r : sd_event_add_io(server->event, &server->io, info->epoll_fd, EPOLLIN, on_io, server);
}

struct server *server_new(sd_event *event, int listen_fd, const char *certificate, const char *key,
                          answer_fn answer, void *userdata, char **ret_error)
{
    struct server *server = g_new0(struct server, 1);
    int r;

    server->event = sd_event_ref(event);
    server->waiting = g_ptr_array_new();
    server->answer = answer;
    server->userdata = userdata;
    server->daemon = start(server, listen_fd, certificate, key);
    if (server->daemon == NULL) {
        close(listen_fd);
        *ret_error =
            g_strdup_printf("can't serve: %s", server->trouble != NULL ? server->trouble : "no reason given");
        return server_free(server);
    }
    server->started = true;
    r = attach(server);
    if (r >= 0)
        return server;
    *ret_error = g_strdup_printf("can't serve: %s", g_strerror(-r));
    return server_free(server);
}

struct server *server_free(struct server *server)
{
    if (server == NULL)
        return NULL;
    while (server->waiting->len > 0)
        exchange_resume(g_ptr_array_index(server->waiting, 0));
    if (server->daemon != NULL)
        MHD_stop_daemon(server->daemon);
    sd_event_source_unref(server->io);
    sd_event_source_unref(server->timer);
    sd_event_unref(server->event);
    g_ptr_array_unref(server->waiting);
    g_free(server->trouble);
    g_free(server);
    return NULL;
}
