/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One match of the bus's own signal. */
#include "daemon/bus/departures.h"

#include <glib.h>

int departures_watch(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t handler, void *userdata)
{
    return sd_bus_add_match_async(bus, ret,
                                  "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                  "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
                                  handler, NULL, userdata);
}

const char *departures_name(sd_bus_message *signal)
{
    const char *name = NULL;

    /* The bus puts the sender in, and nobody else can have this one. */
    if (g_strcmp0(sd_bus_message_get_sender(signal), "org.freedesktop.DBus") != 0)
        return NULL;
    return sd_bus_message_read(signal, "s", &name) < 0 ? NULL : name;
}
