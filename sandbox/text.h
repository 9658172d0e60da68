/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts: random ones, times as HueChat writes them, and what may be shown of what a client sent. */
#pragma once

#include <stddef.h>

#include "daemon/util/clock.h"

#define TEXT_BASE62 "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TEXT_HEX "0123456789abcdef"

/* prefix and length random characters of the alphabet (256 characters at most). The caller frees it (g_free).
 */
char *text_random(const char *prefix, const char *alphabet, size_t length);

/* SHA-256 in hex of what is secret. The caller frees it (g_free). */
char *text_hash(const char *secret);

/* What a client sent, fit for a log: one line of valid UTF-8, 300 bytes at most, what looks like a key
 * blotted out. The caller frees it (g_free); NULL gives NULL. */
char *text_shown(const char *sent);

/* "2026-11-23T10:00:00.123456Z", and "Mon, 23 Nov 2026 10:00:00 GMT". The caller frees it (g_free). */
char *text_precise_time(usec_t when);
char *text_http_time(usec_t when);

/* Reads ISO 8601. Returns 0, or -EINVAL with *ret untouched. */
int text_parse_time(const char *text, usec_t *ret);
