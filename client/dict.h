/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An a{sv} of the bus as a json object, its fields, and its shape in --json. */
#pragma once

#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include <glib.h>
#include <stdbool.h>

/* What the object holds of its own reference when the scope ends. */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

/* Reads the a{sv} at the message's cursor. Returns 1, 0 at the end of an array of them, or a negative errno.
 */
int dict_read(sd_bus_message *m, json_object **ret_dict);

/* Reads the aa{sv} at the message's cursor. Returns 0 or a negative errno. */
int dict_read_array(sd_bus_message *m, json_object **ret_array);

/* A text of the bus as a value. keyturnd sends nothing that a terminal would obey; who answers in its place
 * may. */
json_object *dict_new_text(const char *text);

/* Fields; "", 0, false, or an array of none where there is no such field, or null. */
const char *dict_text(json_object *dict, const char *key);
guint64 dict_number(json_object *dict, const char *key);
bool dict_flag(json_object *dict, const char *key);

/* Whether there is such a field, and it is null: it is not known. */
bool dict_is_null(json_object *dict, const char *key);

/* The texts of an array, joined; "" if it is none. The caller frees it (g_free). */
char *dict_join(json_object *dict, const char *key, const char *separator);

/* The same dictionary for people's programs: snake_case, times ISO 8601 in UTC or null, spans in seconds. The
 * caller puts it. */
json_object *dict_to_output(json_object *dict);

/* The same of an array of dictionaries. */
json_object *dicts_to_output(json_object *array);
