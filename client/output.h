/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person reads: colours and bars; and JSON. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <glib.h>
#include <json-c/json.h>

enum colour {
    COLOUR_NONE,
    COLOUR_BOLD,
    COLOUR_DIM,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_RED,
    COLOUR_TITLE, /* of a table's column */
};

/* Whether standard output is a terminal that wants colour (NO_COLOR, TERM=dumb). */
bool output_has_colour(void);

#define COLOUR_RESET "\033[0m"

/* The escape sequence of a colour; "" for none. */
const char *colour_sequence(enum colour colour);

/* Escape sequences around a text; "" where there is no colour. */
const char *colour_on(enum colour colour);
const char *colour_off(enum colour colour);

/* A bar of `width` characters, filled by part/whole, in UTF-8 blocks or ASCII. The caller frees it (g_free).
 */
char *bar_new(guint64 part, guint64 whole, unsigned width, bool utf8);

/* What was done to an integration: a line, or in JSON its name. */
void output_done(bool json, const char *name, const char *done);

/* A word of a line that is meant to be pasted: quoted if a shell would make more of it than a word. The
 * caller frees it (g_free). */
char *output_quote(const char *word);

/* One JSON text, pretty or on one line, to standard output. */
void output_json(json_object *object);
void output_json_line(json_object *object);
