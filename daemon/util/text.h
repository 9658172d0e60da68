/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a stranger, made fit for a bus, a log and a terminal: valid UTF-8, and nothing that a terminal
 * obeys. What can't be shown is told as \xNN, byte by byte: it is seen that something was there, and two
 * names stay two. A backslash stays as it is, so that units keep their names and nothing changes when it is
 * done again. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

/* Characters, at most: of a name, of words that go into a sentence, of a whole message. */
#define TEXT_NAME_MAX 256
#define TEXT_LINE_MAX 300
#define TEXT_MESSAGE_MAX 4000

/* Whether a character has a place on a line: no control, no format (such as what turns the writing
 * direction), no line separator, nothing unassigned. */
bool text_can_show(gunichar c);

/* Whether it is UTF-8 that can be shown as it is. */
bool text_is_printable(const char *text);

/* The same, and of 1 to max bytes. */
bool text_is_name(const char *text, size_t max);

/* Printable ASCII without spaces, of 1 to max bytes: safe in a header, a URL (encoded) and a log. */
bool text_is_word(const char *text, size_t max);

/* a-z, 0-9, ".", "_" and "-", from a letter or digit on, 64 bytes at most: safe in a file's name, on a
 * command line and in a log. So integrations are named. */
bool text_is_slug(const char *text);

/* At most max characters that can be shown; an ellipsis at the end tells that there was more. text need not
 * be UTF-8; NULL gives NULL. The caller frees it (g_free). */
char *text_printable(const char *text, size_t max);

/* A sentence of somebody's: on one line, of at most TEXT_LINE_MAX characters, with the key (NULL or "":
 * none), and whatever looks like one, masked. NULL gives NULL. The caller frees it (g_free). */
char *text_line(const char *text, const char *key);

/* Whether the text holds the key, or something that looks like one. */
bool text_shows_key(const char *text, const char *key);
