/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a stranger, made fit to be shown and logged. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/* Characters of a line, at most. */
#define LINE_CHARS_MAX 300

/* One printable line of at most LINE_CHARS_MAX characters, in which the key, and whatever looks like one, is
 * masked. text need not be UTF-8. The caller frees it (g_free). */
char *line_of(const char *text, const char *key);

/* Whether the text holds the key, or something that looks like one. */
bool line_shows_key(const char *text, const char *key);

/* Printable ASCII without spaces, of 1 to max bytes: safe in a header, a URL (encoded) and a log. */
bool line_is_word(const char *text, size_t max);

/* Whether a character has a place on a line: no control, no format, no line separator, nothing unassigned. */
bool line_can_show(gunichar c);

/* Whether UTF-8 text could stand on a line as it is, and has 1 to max bytes. */
bool line_is_name(const char *text, size_t max);
