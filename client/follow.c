/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signals of keyturnd, as they come. */
#include "client/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/bus.h"
#include "client/lib/cleanup.h"
#include "dbus/names.h"

#define MANAGER_MATCH "type='signal',sender='" KT_BUS_NAME "',interface='" KT_MANAGER_INTERFACE "'"
#define PROPERTIES_MATCH                                                                                     \
    "type='signal',sender='" KT_BUS_NAME "',interface='org.freedesktop.DBus.Properties',"                    \
    "member='PropertiesChanged',path_namespace='" KT_INTEGRATION_PREFIX "'"

#define OWNER_MATCH                                                                                          \
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"                          \
    "member='NameOwnerChanged',arg0='" KT_BUS_NAME "'"

/* Whose signals they are: anybody may send one to this process alone. */
struct following {
    follow_handler handler;
    void *userdata;
    char *owner; /* of keyturnd's name; NULL: nobody */
};

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const struct following *following = userdata;

    if (following->handler && following->owner &&
        g_strcmp0(sd_bus_message_get_sender(m), following->owner) == 0)
        following->handler(m, following->userdata);
    return 0;
}

static void set_owner(struct following *following, const char *owner)
{
    g_free(following->owner);
    following->owner = *owner ? g_strdup(owner) : NULL;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const char *name, *before, *owner;

    if (g_strcmp0(sd_bus_message_get_sender(m), "org.freedesktop.DBus") == 0 &&
        sd_bus_message_read(m, "sss", &name, &before, &owner) >= 0 && strcmp(name, KT_BUS_NAME) == 0)
        set_owner(userdata, owner);
    return 0;
}

/* Nobody has it: that is no failure. */
static int ask_for_owner(sd_bus *bus, struct following *following)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    const char *owner;
    int r = sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetNameOwner", NULL, &reply, "s", KT_BUS_NAME);

    if (r >= 0 && (r = sd_bus_message_read(reply, "s", &owner)) >= 0)
        set_owner(following, owner);
    return r == -ENXIO ? 0 : r;
}

static void free_following(void *data)
{
    struct following *following = data;

    g_free(following->owner);
    g_free(following);
}

/* The slots float: they live as long as the bus, and so does what one of them frees. */
static int subscribe(sd_bus *bus, struct following *following)
{
    sd_bus_slot *slot = NULL;
    int r = sd_bus_add_match(bus, &slot, OWNER_MATCH, on_owner, following);

    if (r < 0) {
        free_following(following);
        return r;
    }
    sd_bus_slot_set_destroy_callback(slot, free_following);
    sd_bus_slot_set_floating(slot, true);
    sd_bus_slot_unref(slot);
    r = sd_bus_add_match(bus, NULL, MANAGER_MATCH, on_signal, following);
    if (r >= 0)
        r = sd_bus_add_match(bus, NULL, PROPERTIES_MATCH, on_signal, following);
    return r < 0 ? r : ask_for_owner(bus, following);
}

int follow_start(struct client *client, follow_handler handler, void *userdata, GError **error)
{
    struct following *following;
    int r;

    if (bus_open(client, error) < 0)
        return -1;
    following = g_new0(struct following, 1);
    *following = (struct following){.handler = handler, .userdata = userdata};
    r = subscribe(client->bus, following);
    return r < 0 ? client_fail(error, "the bus gives no signals (%s): is it still there?", g_strerror(-r))
                 : 0;
}

int follow_wait(struct client *client, guint64 timeout, GError **error)
{
    bool handled = false;
    int r;

    while ((r = sd_bus_process(client->bus, NULL)) > 0)
        handled = true;
    if (r >= 0 && !handled)
        r = sd_bus_wait(client->bus, timeout);
    if (r >= 0 || r == -EINTR)
        return 0;
    return client_fail(error, "the bus is gone (%s): start keyturn again", g_strerror(-r));
}

char *follow_path_to_name(const char *path)
{
    char *name = NULL, *copy;

    if (!path || sd_bus_path_decode(path, KT_INTEGRATION_PREFIX, &name) <= 0)
        return NULL;
    copy = g_strdup(name);
    free(name);
    return copy;
}
