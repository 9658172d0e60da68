/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls to keyturnd. */
#pragma once

#include "client/client.h"
#include "client/dict.h"

/* Opens the bus, if it isn't open. Returns 0, or -1 with error set. */
int bus_open(struct client *client, GError **error);

/* A call to the manager that is to be filled and sent by bus_send(). The caller unrefs it. Returns 0, or -1.
 */
int bus_new_call(struct client *client, const char *method, sd_bus_message **ret_call, GError **error);

/* Sends it and waits, three minutes at most: keyturnd itself may have to wait for HueChat. ret_reply may be
 * NULL. Returns 0, or -1 with error set. */
int bus_send(struct client *client, sd_bus_message *call, sd_bus_message **ret_reply, GError **error);

/* The same; a person at a terminal is told once, after two seconds, what keyturnd waits for. */
int bus_send_waiting(struct client *client, sd_bus_message *call, const char *waiting, GError **error);

/* Both in one, for plain arguments, as sd_bus_call_method() takes them. */
int bus_call(struct client *client, const char *method, sd_bus_message **ret_reply, GError **error,
             const char *types, ...);

/* Turns a negative errno from reading a reply into error. Returns -1. */
int bus_bad_reply(int r, GError **error);

/* Reads a text at the reply's cursor, made fit for a terminal: who answers in keyturnd's place may send
 * anything. The caller frees it (g_free). Returns 0, or a negative errno. */
int bus_read_text(sd_bus_message *reply, char **ret_text);

/* Properties are json objects: D-Bus names, and numbers as they came. The caller puts them. Each returns 0,
 * or -1 with error set. */
int bus_get_manager(struct client *client, json_object **ret_properties, GError **error);
int bus_get_integration(struct client *client, const char *name, json_object **ret_properties,
                        GError **error);

/* What AddIntegration takes, as settings.h has them. */
int bus_get_settings(struct client *client, const char *name, json_object **ret_settings, GError **error);

/* All integrations, by name: an array. */
int bus_get_integrations(struct client *client, json_object **ret_array, GError **error);

/* A method that answers aa{sv}: GetHolders, with name alone, and GetHistory. */
int bus_get_holders(struct client *client, const char *name, json_object **ret_array, GError **error);
int bus_get_history(struct client *client, const char *name, guint64 since, json_object **ret_array,
                    GError **error);
