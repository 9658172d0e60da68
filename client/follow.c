/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signals of keyturnd, as they come. */
#include "client/follow.h"

#include <stdlib.h>

#include "client/bus.h"
#include "dbus/names.h"

#define MANAGER_MATCH "type='signal',sender='" KT_BUS_NAME "',interface='" KT_MANAGER_INTERFACE "'"
#define PROPERTIES_MATCH                                                                                     \
    "type='signal',sender='" KT_BUS_NAME "',interface='org.freedesktop.DBus.Properties',"                    \
    "member='PropertiesChanged',path_namespace='" KT_INTEGRATION_PREFIX "'"

struct subscription {
    follow_handler handler;
    void *userdata;
};

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    const struct subscription *subscription = userdata;

    if (subscription->handler)
        subscription->handler(m, subscription->userdata);
    return 0;
}

/* The slots float: they live as long as the bus. */
int follow_start(struct client *client, follow_handler handler, void *userdata, GError **error)
{
    const char *const matches[] = {MANAGER_MATCH, PROPERTIES_MATCH};
    int r = 0;

    if (bus_open(client, error) < 0)
        return -1;
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(matches); i++) {
        struct subscription *subscription = g_new(struct subscription, 1);
        sd_bus_slot *slot = NULL;

        *subscription = (struct subscription){.handler = handler, .userdata = userdata};
        r = sd_bus_add_match(client->bus, &slot, matches[i], on_signal, subscription);
        if (r < 0) {
            g_free(subscription);
            break;
        }
        sd_bus_slot_set_destroy_callback(slot, g_free);
        sd_bus_slot_set_floating(slot, true);
        sd_bus_slot_unref(slot);
    }
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
