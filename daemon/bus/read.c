/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dictionaries of what the ledger and the registry have, and the policy's reasons. */
#include "daemon/bus/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/errors.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/settings.h"
#include "daemon/holders.h"
#include "daemon/operations/operation.h"
#include "daemon/util/cleanup.h"

int read_get_integration(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct service *service = userdata;
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    const char *name;
    int r = sd_bus_message_read(call, "s", &name);

    if (r < 0)
        return r;
    if (operation_find(service->daemon, name, &error) == NULL)
        return bus_error_set(ret_error, error);
    path = integration_path(name);
    return sd_bus_reply_method_return(call, "o", path);
}

int read_get_settings(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct service *service = userdata;
    _cleanup_message_ sd_bus_message *reply = NULL;
    g_autoptr(GError) error = NULL;
    const struct entry *entry;
    const char *name;
    int r = sd_bus_message_read(call, "s", &name);

    if (r < 0)
        return r;
    entry = operation_find(service->daemon, name, &error);
    if (entry != NULL && entry->is_undefined)
        error = g_error_new(KT_ERROR, KT_INVALID, "the file of %s is gone: put it back, then keyturn reload",
                            name);
    if (error != NULL)
        return bus_error_set(ret_error, error);
    r = sd_bus_message_new_method_return(call, &reply);
    if (r >= 0)
        r = settings_append(reply, entry->definition);
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

struct reply {
    sd_bus_message *message;
    unsigned n;
    int r;
};

static int append_text(sd_bus_message *message, const char *name, const char *value)
{
    return sd_bus_message_append(message, "{sv}", name, "s", value != NULL ? value : "");
}

static void append_event(const struct ledger_event *event, void *userdata)
{
    struct reply *reply = userdata;
    sd_bus_message *m = reply->message;

    reply->n++;
    if (reply->r >= 0)
        reply->r = sd_bus_message_open_container(m, 'a', "{sv}");
    if (reply->r >= 0)
        reply->r = sd_bus_message_append(m, "{sv}", "Time", "t", event->time);
    if (reply->r >= 0)
        reply->r = append_text(m, "Integration", event->integration);
    if (reply->r >= 0)
        reply->r = append_text(m, "Event", event->event);
    if (reply->r >= 0)
        reply->r = append_text(m, "Rotation", event->rotation);
    if (reply->r >= 0)
        reply->r = append_text(m, "KeyId", event->key_id);
    if (reply->r >= 0)
        reply->r = append_text(m, "Last4", event->last4);
    if (reply->r >= 0)
        reply->r = append_text(m, "Message", event->message);
    if (reply->r >= 0)
        reply->r = append_text(m, "Caller", event->caller);
    if (reply->r >= 0)
        reply->r = sd_bus_message_append(m, "{sv}", "Count", "t", event->count);
    if (reply->r >= 0)
        reply->r = sd_bus_message_close_container(m);
}

static void send_reply(sd_bus_message *call, struct reply *reply)
{
    g_autoptr(GError) error = NULL;

    if (reply->r >= 0)
        reply->r = sd_bus_message_close_container(reply->message);
    if (reply->r >= 0)
        reply->r = sd_bus_send(NULL, reply->message, NULL);
    if (reply->r >= 0)
        return;
    error = g_error_new(KT_ERROR, KT_FAILED, "the ledger can't be read: %s", g_strerror(-reply->r));
    bus_reply_error(call, error);
}

static void open_reply(sd_bus_message *call, struct reply *reply, const char *element)
{
    reply->r = sd_bus_message_new_method_return(call, &reply->message);
    if (reply->r >= 0)
        reply->r = sd_bus_message_open_container(reply->message, 'a', element);
}

void read_get_history(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    g_autoptr(GError) error = NULL;
    struct reply reply = {};
    const char *name;
    usec_t since;
    int r;

    reply.r = sd_bus_message_read(call, "st", &name, &since);
    if (reply.r >= 0)
        open_reply(call, &reply, "a{sv}");
    if (reply.r >= 0) {
        r = ledger_read_history(service->daemon->ledger, name, since, append_event, &reply);
        reply.r = r < 0 ? r : reply.r;
    }
    /* What was removed still has its history. */
    if (reply.r >= 0 && reply.n == 0 && *name != '\0' &&
        operation_find(service->daemon, name, &error) == NULL)
        bus_reply_error(call, error);
    else
        send_reply(call, &reply);
    sd_bus_message_unref(reply.message);
}

static int append_holder(sd_bus_message *m, const struct holder *holder, bool alive)
{
    bool is_unit = *holder->invocation_id != '\0';

    return sd_bus_message_append(m, "a{sv}", 11, "Generation", "t", holder->generation, "Kind", "s",
                                 is_unit ? "unit" : "process", "Unit", "s", holder->unit, "InvocationId", "s",
                                 holder->invocation_id, "Pid", "u", (uint32_t)holder->pid, "Uid", "u",
                                 (uint32_t)holder->uid, "Command", "s", holder->command, "FirstAt", "t",
                                 holder->first_at, "LastAt", "t", holder->last_at, "Count", "t",
                                 holder->count, "Alive", "b", (int)alive);
}

void read_get_holders(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    g_autoptr(GError) error = NULL;
    struct entry *entry = NULL;
    struct reply reply = {};
    const char *name;

    reply.r = sd_bus_message_read(call, "s", &name);
    if (reply.r >= 0)
        entry = operation_find(service->daemon, name, &error);
    if (entry == NULL) {
        bus_reply_error(call, error);
        return;
    }
    open_reply(call, &reply, "a{sv}");
    for (guint i = 0; reply.r >= 0 && i < entry->holders->len; i++) {
        const struct holder *holder = entry->holders->pdata[i];
        reply.r = append_holder(reply.message, holder, holder_is_alive(holder, service->daemon->system_mode));
    }
    send_reply(call, &reply);
    sd_bus_message_unref(reply.message);
}

static void append_last_fetch(struct entry *entry, void *userdata)
{
    struct reply *reply = userdata;

    if (reply->r >= 0 && entry->last_fetched_at > 0)
        reply->r =
            sd_bus_message_append(reply->message, "{s(ts)}", entry->definition->name, entry->last_fetched_at,
                                  entry->last_fetched_by != NULL ? entry->last_fetched_by : "");
}

void read_get_last_fetches(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    struct reply reply = {};

    open_reply(call, &reply, "{s(ts)}");
    registry_each(service->daemon->registry, false, append_last_fetch, &reply);
    send_reply(call, &reply);
    sd_bus_message_unref(reply.message);
}
