/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short hands for json-c. */
#pragma once

#include <json-c/json.h>

#include <glib.h>

#include "daemon/util/clock.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_object, json_object_put)

/* Parses a whole text; NULL if it is anything else than one JSON value. The caller puts it (json_object_put).
 */
json_object *json_parse(const char *text, size_t size);

/* A member's value if it is a string, else NULL. It stays the object's. */
const char *json_text_of(json_object *object, const char *member);

/* A member's value if it is a whole number, else fallback. */
gint64 json_number_of(json_object *object, const char *member, gint64 fallback);

/* Adds a string or null. */
void json_add_text(json_object *object, const char *member, const char *value);

/* Adds a time, null for 0. */
void json_add_time(json_object *object, const char *member, usec_t when);

/* Lists of strings. json_strv returns NULL if array isn't one of strings; the caller frees it (g_strfreev).
 */
char **json_strv(json_object *array);
json_object *json_new_strv(char *const *texts);
