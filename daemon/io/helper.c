/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call is open (sent), then settled (its result is known), then told. Whatever happens only settles calls;
 * they are told from one event source, so that a callback may do anything. Touches its child process alone.
 */
#include "daemon/io/helper.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "daemon/io/child.h"
#include "daemon/util/cleanup.h"
#include "dbus/names.h"

/* A helper that dies so often in that span without one answer is left alone for as long. */
#define DEATHS_MAX 5
#define DEATHS_SPAN (10 * USEC_PER_SEC)

struct helper {
    sd_event *event;
    char *program, *name, *interface;
    char *readable; /* NULL: none */
    bool outdated;  /* the child may read something else */
    usec_t idle_after;
    struct child *child; /* NULL: not running */
    sd_event_source *idle, *tell;
    GQueue open, settled; /* struct call */
    unsigned deaths;      /* since the last answer */
    usec_t first_death, barred_until;
    int start_error;
    bool freeing;
};

struct call {
    struct helper *helper;
    GList link;
    sd_bus_slot *slot;
    sd_event_source *deadline;
    sd_bus_message *reply;
    sd_bus_error error;
    helper_reply_fn reply_fn;
    void *userdata;
};

static usec_t now_of(struct helper *helper)
{
    uint64_t now = 0;

    sd_event_now(helper->event, CLOCK_MONOTONIC, &now);
    return now;
}

/* Calls */

/* Takes over error. */
static void settle(struct call *call, sd_bus_message *reply, sd_bus_error error)
{
    struct helper *helper = call->helper;

    g_queue_unlink(&helper->open, &call->link);
    call->slot = sd_bus_slot_unref(call->slot);
    call->deadline = sd_event_source_disable_unref(call->deadline);
    call->reply = sd_bus_message_ref(reply);
    call->error = error;
    g_queue_push_tail_link(&helper->settled, &call->link);
    sd_event_source_set_enabled(helper->tell, SD_EVENT_ONESHOT);
}

static void settle_failed(struct call *call, const char *name, const char *what, const char *why)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;

    sd_bus_error_setf(&error, name, "%s %s%s", call->helper->name, what, why);
    settle(call, NULL, error);
}

static void tell(struct call *call)
{
    call->reply_fn(call->reply, call->reply != NULL ? NULL : &call->error, call->userdata);
    sd_bus_message_unref(call->reply);
    sd_bus_error_free(&call->error);
    g_free(call);
}

/* One call a turn, as its callback may free the helper. */
static int on_tell(sd_event_source *source, void *userdata)
{
    struct helper *helper = userdata;
    GList *link = g_queue_pop_head_link(&helper->settled);

    if (link == NULL)
        return 0;
    if (!g_queue_is_empty(&helper->settled))
        sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    tell(link->data);
    return 0;
}

static struct call *call_new(struct helper *helper, helper_reply_fn reply_fn, void *userdata)
{
    struct call *call = g_new0(struct call, 1);

    *call = (struct call){.helper = helper, .link.data = call, .reply_fn = reply_fn, .userdata = userdata};
    g_queue_push_tail_link(&helper->open, &call->link);
    return call;
}

/* The process */

static void end(struct helper *helper)
{
    if (helper->child == NULL)
        return;
    sd_event_source_set_enabled(helper->idle, SD_EVENT_OFF);
    while (!g_queue_is_empty(&helper->open))
        settle_failed(g_queue_peek_head(&helper->open), SD_BUS_ERROR_NO_REPLY, "died in mid-call", "");
    helper->child = child_free(helper->child);
}

/* It has ended by itself. */
static void lose(struct helper *helper)
{
    usec_t now = now_of(helper);

    end(helper);
    if (helper->deaths == 0 || now > usec_add(helper->first_death, DEATHS_SPAN)) {
        helper->deaths = 0;
        helper->first_death = now;
    }
    if (++helper->deaths < DEATHS_MAX)
        return;
    helper->deaths = 0;
    helper->barred_until = usec_add(now, DEATHS_SPAN);
}

/* Takes in what it still said. */
static void drain(struct helper *helper)
{
    while (helper->child != NULL && child_listen(helper->child))
        ;
}

static void on_ended(void *userdata)
{
    struct helper *helper = userdata;

    drain(helper);
    if (helper->child != NULL)
        lose(helper);
}

static int on_idle(sd_event_source *source, uint64_t when, void *userdata)
{
    end(userdata);
    return 0;
}

static int ensure_started(struct helper *helper)
{
    if (helper->freeing)
        return -ESHUTDOWN;
    if (helper->child != NULL && child_is_dead(helper->child))
        on_ended(helper);
    if (helper->outdated)
        end(helper);
    helper->outdated = false;
    if (helper->child != NULL)
        return 0;
    if (now_of(helper) < helper->barred_until)
        return -EAGAIN;
    return child_start(helper->event, helper->program, helper->readable, on_ended, helper, &helper->child);
}

/* The object */

struct helper *helper_new(sd_event *event, const char *program, const char *interface, usec_t idle_after)
{
    struct helper *helper = g_new0(struct helper, 1);

    *helper = (struct helper){.event = sd_event_ref(event),
                              .program = g_strdup(program),
                              .name = g_path_get_basename(program),
                              .interface = g_strdup(interface),
                              .idle_after = idle_after};
    if (sd_event_add_defer(event, &helper->tell, on_tell, helper) < 0 ||
        sd_event_source_set_enabled(helper->tell, SD_EVENT_OFF) < 0 ||
        sd_event_add_time(event, &helper->idle, CLOCK_MONOTONIC, 0, 0, on_idle, helper) < 0 ||
        sd_event_source_set_enabled(helper->idle, SD_EVENT_OFF) < 0)
        return helper_free(helper);
    return helper;
}

struct helper *helper_free(struct helper *helper)
{
    GList *link;

    if (helper == NULL || helper->freeing)
        return NULL;
    helper->freeing = true;
    end(helper);
    while ((link = g_queue_pop_head_link(&helper->settled)) != NULL)
        tell(link->data);
    sd_event_source_disable_unref(helper->idle);
    sd_event_source_disable_unref(helper->tell);
    sd_event_unref(helper->event);
    g_free(helper->program);
    g_free(helper->name);
    g_free(helper->interface);
    g_free(helper->readable);
    g_free(helper);
    return NULL;
}

void helper_set_readable(struct helper *helper, const char *path)
{
    if (g_strcmp0(helper->readable, path) == 0)
        return;
    g_free(helper->readable);
    helper->readable = g_strdup(path);
    helper->outdated = true;
}

int helper_new_call(struct helper *helper, const char *member, sd_bus_message **ret)
{
    _cleanup_message_ sd_bus_message *call = NULL;
    int r = ensure_started(helper);

    if (r >= 0)
        r = sd_bus_message_new_method_call(child_bus(helper->child), &call, NULL, KT_HELPER_PATH,
                                           helper->interface, member);
    if (r >= 0)
        r = sd_bus_message_sensitive(call);
    helper->start_error = r;
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&call);
    return 0;
}

/* The answer, or what sd-bus says to every open call when the connection ends. Returns 1: the message is of
 * use, and child.c is not to see it. */
static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct call *call = userdata;
    struct helper *helper = call->helper;
    sd_bus_error error = SD_BUS_ERROR_NULL;

    sd_bus_message_sensitive(m);
    if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NO_REPLY)) {
        lose(helper);
        return 1;
    }
    helper->deaths = 0;
    if (sd_bus_message_is_method_error(m, NULL)) {
        sd_bus_error_copy(&error, sd_bus_message_get_error(m));
        settle(call, NULL, error);
    } else
        settle(call, m, error);
    if (g_queue_is_empty(&helper->open) && helper->idle_after != USEC_INFINITY) {
        sd_event_source_set_time_relative(helper->idle, helper->idle_after);
        sd_event_source_set_enabled(helper->idle, SD_EVENT_ONESHOT);
    }
    return 1;
}

/* Late, unless the answer is there and only we are late. */
static int on_deadline(sd_event_source *source, uint64_t when, void *userdata)
{
    struct call *call = userdata;
    struct helper *helper = call->helper;

    drain(helper);
    if (g_queue_find(&helper->open, call) == NULL)
        return 0;
    settle_failed(call, SD_BUS_ERROR_TIMEOUT, "did not answer in time", "");
    end(helper);
    return 0;
}

static const char *start_failure(const struct helper *helper)
{
    if (helper->start_error == -EAGAIN)
        return "it died again and again";
    return strerror(helper->start_error < 0 ? -helper->start_error : ENOMEM);
}

void helper_call(struct helper *helper, sd_bus_message *message, usec_t timeout, helper_reply_fn reply_fn,
                 void *userdata)
{
    struct call *call = call_new(helper, reply_fn, userdata);
    int r;

    if (message == NULL) {
        settle_failed(call, SD_BUS_ERROR_FAILED, "can't be started: ", start_failure(helper));
        return;
    }
    if (helper->child == NULL || sd_bus_message_get_bus(message) != child_bus(helper->child)) {
        settle_failed(call, SD_BUS_ERROR_NO_REPLY, "died before the call", "");
        return;
    }
    sd_event_source_set_enabled(helper->idle, SD_EVENT_OFF);
    r = sd_bus_call_async(child_bus(helper->child), &call->slot, message, on_reply, call, UINT64_MAX);
    if (r >= 0)
        r = sd_event_add_time_relative(helper->event, &call->deadline, CLOCK_MONOTONIC, timeout, 0,
                                       on_deadline, call);
    if (r < 0) {
        settle_failed(call, SD_BUS_ERROR_FAILED, "can't be asked: ", strerror(-r));
        end(helper);
    }
}

void helper_kill(struct helper *helper)
{
    end(helper);
}

pid_t helper_pid(const struct helper *helper)
{
    return helper->child != NULL ? child_pid(helper->child) : 0;
}
