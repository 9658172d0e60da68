/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturnd: arguments, event loop, manager, run. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

#include "daemon/bus/service.h"
#include "daemon/core/errors.h"
#include "daemon/credentials.h"
#include "daemon/helpers/confine.h"
#include "daemon/helpers/landlock.h"
#include "daemon/io/journal.h"
#include "daemon/io/messages.h"
#include "daemon/manager.h"
#include "daemon/options.h"
#include "daemon/util/cleanup.h"

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata)
{
    uint64_t now = 0;

    sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now); /* Type=notify-reload wants the time */
    manager_reload(userdata);
    sd_notify(0, "READY=1");
    return 0;
}

static int prepare(sd_event **ret_event)
{
    sigset_t signals;
    int r = confine_hide_memory();

    if (r >= 0 &&
        (sigemptyset(&signals) < 0 || sigaddset(&signals, SIGTERM) < 0 || sigaddset(&signals, SIGINT) < 0 ||
         sigaddset(&signals, SIGHUP) < 0 || sigaddset(&signals, SIGCHLD) < 0 ||
         sigprocmask(SIG_BLOCK, &signals, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR))
        r = -errno;
    if (r >= 0)
        r = sd_event_default(ret_event);
    if (r >= 0)
        r = sd_event_add_signal(*ret_event, NULL, SIGTERM, NULL, NULL);
    if (r >= 0)
        r = sd_event_add_signal(*ret_event, NULL, SIGINT, NULL, NULL);
    if (r >= 0)
        r = sd_event_set_watchdog(*ret_event, true);
    return r;
}

static bool serve(sd_event *event, struct manager *manager, GError **error)
{
    struct credentials *credentials = NULL;
    struct service *service = NULL;
    int r = service_new(manager_daemon(manager), &service);

    if (r < 0)
        g_set_error(error, KT_ERROR, KT_FAILED,
                    "the bus can't be reached: %s: start one (systemd --user does)", g_strerror(-r));
    else if (manager_load(manager, error)) {
        r = service_own_name(service);
        if (r < 0)
            g_set_error(
                error, KT_ERROR, KT_FAILED, "the name org.keyturn1 can't be had: %s",
                r == -EEXIST ? "another keyturnd has it: stop that one"
                : r == -EACCES
                    ? "the system bus lets the user keyturn alone have it: use systemctl start keyturnd"
                    : g_strerror(-r));
        else
            r = sd_event_add_signal(event, NULL, SIGHUP, on_reload, manager);
    }
    if (*error == NULL && r >= 0) {
        r = credentials_new(manager_daemon(manager), &credentials);
        if (r < 0)
            g_set_error(error, KT_ERROR, KT_FAILED, "the credentials socket can't be made: %s: see --runtime",
                        g_strerror(-r));
    }
    if (*error == NULL && r >= 0) {
        manager_go(manager);
        sd_notify(0, "READY=1\nSTATUS=Handing out keys");
        r = sd_event_loop(event);
        sd_notify(0, "STOPPING=1");
    }
    manager_flush(manager);
    credentials_free(credentials);
    service_free(service);
    return *error == NULL && r >= 0;
}

/* Here, since helpers come and go. */
static void warn_of_open_files(void)
{
    if (landlock_version() == 0)
        journal_send(
            LOG_WARNING, NULL, (const char *[]){NULL},
            "The kernel offers keyturnd no Landlock: a helper that is broken into can read every file "
            "that this user can (keyturn doctor says more)");
}

static int run(const struct options *options)
{
    _cleanup_(kt_event_unref_p) sd_event *event = NULL;
    g_autoptr(GError) error = NULL;
    struct manager *manager = NULL;
    int r = prepare(&event);
    bool well = false;

    warn_of_open_files();
    if (r >= 0)
        manager = manager_new(event, options->system_mode, &options->paths, service_news(), &error);
    if (manager != NULL) {
        well = serve(event, manager, &error);
        manager_free(manager);
    }
    if (error != NULL || r < 0)
        journal_send(LOG_ERR, MESSAGE_ENDED, (const char *[]){NULL}, "%s",
                     error != NULL ? error->message : g_strerror(-r));
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options options;
    int r = options_parse(argc, argv, &options);

    if (r > 0)
        r = run(&options);
    else
        r = r < 0 ? 2 : EXIT_SUCCESS;
    options_clear(&options);
    return r;
}
