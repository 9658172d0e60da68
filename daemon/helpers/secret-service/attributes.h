/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attributes mark an item as keyturn's, and what may be kept in one. Pure: knows no service and no bus.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/* The value of the management attribute that marks the item of a write check. No environment has this name.
 */
#define KT_ATTRIBUTES_CHECK "check"

/* The attribute that holds the name of the schema. */
#define KT_ATTRIBUTES_SCHEMA "xdg:schema"

/* Bytes of a key, at most. */
#define KT_KEY_MAX 512

/* An empty table of string to string that owns both. */
GHashTable *kt_attributes_new(void);

/* From an a{ss}; the attribute that libsecret adds for the schema is left out, all others stay. */
GHashTable *kt_attributes_from_variant(GVariant *dict);

/* Exactly integration, environment and key-id, or exactly management, each of 1 to 256 bytes on one line. */
bool kt_attributes_are_ours(GHashTable *attributes);

/* The same names with the same values, none more and none less. */
bool kt_attributes_equal(GHashTable *a, GHashTable *b);

/* Text on one line: of 1 to max bytes, UTF-8, without NUL, CR or LF. One of those in an item can cost
 * gnome-keyring its whole file. */
bool kt_text_is_sound(const char *text, size_t length, size_t max);
