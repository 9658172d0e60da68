/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start in the order in which things need each other, loop, stop in the other one. */
#include "sandbox/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/util/cleanup.h"
#include "daemon/util/files.h"
#include "sandbox/admin.h"
#include "sandbox/api.h"
#include "sandbox/late.h"
#include "sandbox/listen.h"
#include "sandbox/management.h"
#include "sandbox/server.h"

struct run {
    const struct options *options;
    sd_event *event;
    struct sandbox *sandbox;
    struct server *server;
};

static struct reply *answer(void *userdata, const struct request *request)
{
    struct reply *reply = admin_answer(userdata, request);

    return reply != NULL ? reply : api_answer(userdata, request);
}

/* Faults stay as they are if the new ones can't be read. */
static char *load_faults(struct run *run)
{
    const char *path = run->options->fault_file;
    g_autofree char *file = NULL, *trouble = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(json_object) list = NULL;
    GArray *faults;

    if (path != NULL && !g_file_get_contents(path, &file, NULL, &error))
        return g_strdup(error->message);
    if (file == NULL && run->options->faults == NULL)
        return NULL;
    list = json_parse(file ?: run->options->faults, strlen(file ?: run->options->faults));
    faults = faults_read(list, &trouble);
    if (faults == NULL)
        return g_strdup_printf("%s: %s", path != NULL ? path : "--faults", trouble);
    g_array_unref(run->sandbox->faults);
    run->sandbox->faults = faults;
    return NULL;
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
    g_autofree char *trouble = load_faults(userdata);

    if (trouble != NULL)
        fprintf(stderr, "keyturn-sandbox: %s\n", trouble);
    return 0;
}

static int catch_signals(struct run *run)
{
    sigset_t set;
    int r;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    r = sd_event_add_signal(run->event, NULL, SIGTERM, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_signal(run->event, NULL, SIGINT, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_signal(run->event, NULL, SIGHUP, on_hangup, run);
    return r;
}

/* Takes the listening socket. */
static char *start_server(struct run *run, int *listen_fd)
{
    const struct options *options = run->options;
    g_autofree char *certificate = NULL, *key = NULL;
    g_autoptr(GError) error = NULL;
    char *trouble = NULL;

    if (options->tls_cert != NULL && (!g_file_get_contents(options->tls_cert, &certificate, NULL, &error) ||
                                      !g_file_get_contents(options->tls_key, &key, NULL, &error)))
        return g_strdup(error->message);
    run->server =
        server_new(run->event, g_steal_fd(listen_fd), certificate, key, answer, run->sandbox, &trouble);
    if (key != NULL)
        explicit_bzero(key, strlen(key));
    return trouble;
}

static char *announce(const struct options *options, unsigned port)
{
    g_autofree char *text = g_strdup_printf("%u\n", port);
    const bool v6 = strchr(options->address, ':') != NULL;
    int r = options->port_file != NULL ? file_replace(options->port_file, 0644, text, strlen(text)) : 0;

    if (r < 0)
        return g_strdup_printf("%s: %s", options->port_file, g_strerror(-r));
    printf("Serving %s://%s%s%s:%u/v2, management keys are in %s\n",
           options->tls_cert != NULL ? "https" : "http", v6 ? "[" : "", options->address, v6 ? "]" : "", port,
           options->management_key_file);
    fflush(stdout);
    return NULL;
}

static char *start_listening(const struct options *options, int *ret_fd, unsigned *ret_port)
{
    int fd = listen_loopback(options->address, (unsigned)options->port, ret_port);

    if (fd == -EADDRNOTAVAIL)
        return g_strdup_printf("%s: not a loopback address", options->address);
    if (fd < 0)
        return g_strdup_printf("%s port %d: %s", options->address, options->port, g_strerror(-fd));
    *ret_fd = fd;
    return NULL;
}

static char *start_sandbox(struct run *run)
{
    const struct options *options = run->options;
    char *trouble = NULL;

    run->sandbox = sandbox_new(run->event, options->ledger, &trouble);
    if (run->sandbox == NULL)
        return trouble;
    run->sandbox->rate.limit = options->rate_limit;
    run->sandbox->rate.window = (usec_t)options->window * USEC_PER_SEC;
    run->sandbox->last_used_resolution = (usec_t)options->last_used_resolution * USEC_PER_SEC;
    run->sandbox->quiet = options->quiet;
    trouble = management_start(run->sandbox, options->management_key_file);
    return trouble != NULL ? trouble : load_faults(run);
}

/* The port comes first: where another sandbox has it, nothing is touched. */
static char *start(struct run *run)
{
    _cleanup_close_ int fd = -1;
    unsigned port = 0;
    char *trouble;
    int r = sd_event_default(&run->event);

    if (r >= 0)
        r = catch_signals(run);
    if (r < 0)
        return g_strdup_printf("event loop: %s", g_strerror(-r));
    trouble = start_listening(run->options, &fd, &port);
    if (trouble == NULL)
        trouble = start_sandbox(run);
    if (trouble == NULL)
        trouble = start_server(run, &fd);
    return trouble != NULL ? trouble : announce(run->options, port);
}

int run_sandbox(const struct options *options)
{
    struct run run = {.options = options};
    g_autofree char *trouble = start(&run);
    int r = EXIT_FAILURE;

    if (trouble != NULL) {
        fprintf(stderr, "keyturn-sandbox: %s\n", trouble);
    } else {
        r = sd_event_loop(run.event);
        late_flush(run.sandbox->late);
        if (options->port_file != NULL)
            unlink(options->port_file);
    }
    server_free(run.server);
    sandbox_free(run.sandbox);
    sd_event_unref(run.event);
    return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
