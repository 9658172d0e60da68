/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signals of keyturnd, as they come. */
#pragma once

#include "client/client.h"

/* Called with every signal of the manager and every PropertiesChanged of an integration. */
typedef void (*follow_handler)(sd_bus_message *signal, void *userdata);

/* Subscribes. handler may be NULL: then signals only end follow_wait(). Returns 0, or -1 with error set. */
int follow_start(struct client *client, follow_handler handler, void *userdata, GError **error);

/* Handles what has come; if nothing has, waits for it, timeout (microseconds, G_MAXUINT64: for ever) at most.
 * Returns 0, or -1 with error set. */
int follow_wait(struct client *client, guint64 timeout, GError **error);

/* The name of the integration that a path stands for. The caller frees it (g_free); NULL: of none. */
char *follow_path_to_name(const char *path);
