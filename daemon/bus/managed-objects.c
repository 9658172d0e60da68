/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* With many integrations one GetManagedObjects takes milliseconds of the one thread, and thousands of them
 * may wait in the bus's queue: so each user has a pace. sd-bus would answer without asking who calls.
 * Introspection is for people, and has one pace for all of them. */
#include "daemon/bus/managed-objects.h"

#include "daemon/bus/errors.h"
#include "daemon/bus/objects.h"
#include "daemon/util/cleanup.h"
#include "dbus/names.h"

/* In integrations shown, of which each takes about 20 us. */
#define BURST 4000
#define PER_SECOND 200
#define EVERYBODY ((uid_t)-1)

struct managed_objects {
    struct service *service;
    struct pace *pace;
    sd_bus_slot *filter;
};

static bool may_see(struct managed_objects *objects, uid_t uid)
{
    const struct daemon *daemon = objects->service->daemon;

    return !daemon->system_mode || uid == 0 ||
           pace_take(objects->pace, uid, 1 + registry_size(daemon->registry), pace_now());
}

struct reply {
    struct service *service;
    sd_bus_message *message;
    int r;
};

static void append_entry(struct entry *entry, void *userdata)
{
    struct reply *reply = userdata;

    if (reply->r >= 0)
        reply->r = integration_append(reply->service, reply->message, entry->definition->name);
}

static int reply_all(struct service *service, sd_bus_message *call)
{
    _cleanup_message_ sd_bus_message *message = NULL;
    struct reply reply = {service};

    reply.r = sd_bus_message_new_method_return(call, &message);
    reply.message = message;
    if (reply.r >= 0)
        reply.r = sd_bus_message_open_container(message, 'a', "{oa{sa{sv}}}");
    registry_each(service->daemon->registry, false, append_entry, &reply);
    if (reply.r >= 0)
        reply.r = sd_bus_message_close_container(message);
    return reply.r < 0 ? reply.r : sd_bus_send(NULL, message, NULL);
}

static void identified(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                       void *userdata)
{
    struct managed_objects *objects = userdata;

    if (answer == CALLER_LEFT)
        return;
    if (answer == CALLER_BUSY || answer == CALLER_TOO_LONG)
        bus_reply_busy(call, CALLER_BUSY_TEXT);
    else if (!may_see(objects, caller != NULL ? caller->holder.uid : EVERYBODY))
        bus_reply_busy(call, "all integrations were asked for very often: wait a second, or ask for one");
    else if (reply_all(objects->service, call) < 0)
        bus_reply_busy(call, "the integrations can't be shown now: try again");
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct managed_objects *objects = userdata;

    if (sd_bus_message_is_method_call(message, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") &&
        g_strcmp0(sd_bus_message_get_path(message), KT_OBJECT_PATH) == 0 &&
        sd_bus_message_has_signature(message, "")) {
        callers_identify(objects->service->callers, message, NULL, identified, objects);
        return 1;
    }
    if (!sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Introspectable", "Introspect") ||
        may_see(objects, EVERYBODY))
        return 0;
    bus_reply_busy(message, "introspection was asked for very often: wait a second");
    return 1;
}

struct managed_objects *managed_objects_new(struct service *service)
{
    struct managed_objects *objects = g_new0(struct managed_objects, 1);

    *objects = (struct managed_objects){.service = service, .pace = pace_new(BURST, PER_SECOND)};
    return sd_bus_add_filter(service->bus, &objects->filter, on_message, objects) < 0
               ? managed_objects_free(objects)
               : objects;
}

struct managed_objects *managed_objects_free(struct managed_objects *objects)
{
    if (objects == NULL)
        return NULL;
    sd_bus_slot_unref(objects->filter);
    pace_free(objects->pace);
    g_free(objects);
    return NULL;
}
