/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An integration's settings, named as in its file: a json object of texts, and arrays of texts for lists. */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <json-c/json.h>
#include <systemd/sd-bus.h>

#include "client/dict.h"

/* Puts them in; NULL is left out. The list is copied. */
void settings_set_text(json_object *settings, const char *name, const char *text);
void settings_set_list(json_object *settings, const char *name, char *const *texts);

/* Whether it names units. */
bool settings_have_units(json_object *settings);

/* Appends them as the entries of an a{sv}. Negative errno. */
int settings_append(sd_bus_message *m, json_object *settings);

/* The file for them, in the one order; units only if asked for. Names that a file doesn't know are left out.
 * NULL with error set: a value that could be more than one value, or show as something else. The caller frees
 * it (g_free). */
char *settings_to_text(const char *integration, json_object *settings, bool units, GError **error);
