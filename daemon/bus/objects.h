/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects of dbus/: /org/keyturn1 and one below it an integration. */
#pragma once

#include "daemon/bus/bus.h"

/* The caller frees it (g_free). */
char *integration_path(const char *name);

/* Export them. Negative errno. */
int manager_object_add(struct service *service);
int integration_objects_add(struct service *service);

/* Its object as an entry of GetManagedObjects, {oa{sa{sv}}}. Negative errno. */
int integration_append(struct service *service, sd_bus_message *message, const char *name);

/* Every property that can change, or those of a fetch alone. In system mode the latter are nobody's to see,
 * and nothing is sent: a fetch at that moment would tell as much. */
void integration_emit_changed(struct service *service, const struct entry *entry);
void integration_emit_fetched(struct service *service, const struct entry *entry);
void integration_emit_added(struct service *service, const char *name);
void integration_emit_removed(struct service *service, const char *name);
