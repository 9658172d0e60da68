/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd-event watches the process and sd-bus the connection; whichever ends first is its end.
 * One that says more than it was asked is ended too. */
#include "daemon/io/child.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <glib.h>

#include "daemon/io/spawn.h"
#include "daemon/io/words.h"
#include "daemon/util/cleanup.h"

struct child {
    pid_t pid;
    sd_bus *bus;
    sd_event_source *exit;
    struct gate *gate;
    struct words *words;
    child_ended_fn ended;
    void *userdata;
    bool closed; /* the connection: all has been heard */
};

/* A child that was freed has no userdata, and nobody but the event loop holds the source. */
static int on_child_exit(sd_event_source *source, const siginfo_t *info, void *userdata)
{
    struct child *child = userdata;

    if (child != NULL)
        child->ended(child->userdata);
    sd_event_source_disable_unref(source);
    return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct child *child = userdata;

    child->closed = true;
    child->ended(child->userdata);
    return 0;
}

/* Whatever is no answer to an open call. sd-bus would answer calls by itself, and keep the answers as long as
 * nobody reads them. */
static int on_unasked(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct child *child = userdata;

    if (sd_bus_message_is_signal(m, "org.freedesktop.DBus.Local", "Disconnected"))
        return 0;
    child->closed = true;
    child->ended(child->userdata);
    return 1;
}

/* sd-event watches with EPOLLONESHOT, and misses the end if the pidfd was readable a moment before the
 * process could be waited for; only off and on again takes that flag away. */
static int watch_process(struct child *child, sd_event *event)
{
    int r;

    r = sd_event_add_child(event, &child->exit, child->pid, WEXITED, on_child_exit, child);
    if (r < 0) {
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
        return r;
    }
    r = sd_event_source_set_enabled(child->exit, SD_EVENT_OFF);
    return r < 0 ? r : sd_event_source_set_enabled(child->exit, SD_EVENT_ON);
}

static int watch_connection(struct child *child, sd_event *event)
{
    int r;

    r = sd_bus_add_filter(child->bus, NULL, on_unasked, child);
    if (r < 0)
        return r;
    r = sd_bus_match_signal(child->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                            "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, child);
    return r < 0 ? r : sd_bus_attach_event(child->bus, event, SD_EVENT_PRIORITY_NORMAL);
}

int child_start(sd_event *event, const char *program, const char *readable, child_ended_fn ended,
                void *userdata, struct child **ret)
{
    struct child *child = g_new0(struct child, 1);
    _cleanup_close_ int output = -1;
    int r;

    *child = (struct child){.ended = ended, .userdata = userdata};
    r = words_new(event, basename(program), &output, &child->words);
    child->pid = r < 0 ? r : spawn_helper(event, program, readable, output, &child->bus, &child->gate);
    r = child->pid < 0 ? child->pid : watch_process(child, event);
    if (r >= 0)
        r = watch_connection(child, event);
    if (r < 0) {
        child_free(child);
        return r;
    }
    *ret = child;
    return 0;
}

struct child *child_free(struct child *child)
{
    if (child == NULL)
        return NULL;
    sd_bus_close_unref(child->bus);
    gate_free(child->gate);
    words_free(child->words);
    if (child->exit != NULL) {
        sd_event_source_send_child_signal(child->exit, SIGKILL, NULL, 0);
        sd_event_source_set_userdata(child->exit, NULL);
        sd_event_source_set_floating(child->exit, true);
        sd_event_source_unref(child->exit);
    }
    g_free(child);
    return NULL;
}

pid_t child_pid(const struct child *child)
{
    return child->pid;
}

sd_bus *child_bus(const struct child *child)
{
    return child->bus;
}

bool child_is_dead(const struct child *child)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

bool child_listen(struct child *child)
{
    bool moved;

    if (child->closed)
        return false;
    moved = gate_pump(child->gate);
    return sd_bus_process(child->bus, NULL) > 0 || moved;
}
