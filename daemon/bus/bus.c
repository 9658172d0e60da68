/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that are kept. */
#include "daemon/bus/bus.h"

struct pending *pending_new(struct service *service, sd_bus_message *call, const struct caller *caller,
                            const char *name)
{
    struct pending *pending = g_new0(struct pending, 1);

    *pending = (struct pending){service, sd_bus_message_ref(call), g_strdup(caller->text), g_strdup(name)};
    return pending;
}

struct pending *pending_free(struct pending *pending)
{
    sd_bus_message_unref(pending->call);
    g_free(pending->caller);
    g_free(pending->name);
    g_free(pending);
    return NULL;
}
