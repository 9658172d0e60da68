/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The a{sv} arguments of org.keyturn1.Manager. An unknown or ill-typed entry is KT_INVALID. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "daemon/core/integration.h"

/* AddIntegration: named as in the file, and Issue b. *ret_issue: true, false, or by Management where it is
 * not given. */
bool settings_read(sd_bus_message *message, struct integration *integration, bool *ret_issue, GError **error);

/* ImportKey and SetManagementKey: Id s, CreatedAt t (not taken where ret_created_at is NULL). *ret_id is
 * borrowed, or NULL. */
bool details_read(sd_bus_message *message, const char **ret_id, usec_t *ret_created_at, GError **error);

/* Rotate: Compromised b. */
bool options_read(sd_bus_message *message, bool *ret_compromised, GError **error);

/* GetSettings: the same names, a list as one. Negative errno. */
int settings_append(sd_bus_message *message, const struct integration *integration);
