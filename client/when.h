/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times and spans as people write and read them. Times are microseconds since the epoch, 0 is unknown or
 * never; spans are microseconds, G_MAXUINT64 is infinity. Texts are the caller's (g_free). */
#pragma once

#include <glib.h>

guint64 when_now(void);

/* "2026-11-24T21:58:03Z"; NULL for 0. */
char *when_iso(guint64 time);

/* Local: "2026-11-24", "2026-11-24 21:58:03", "Tue 2026-11-24 21:58:03 CET"; "-" for 0. */
char *when_day(guint64 time);
char *when_second(guint64 time);
char *when_long(guint64 time);

/* "now", "5 min ago", "in 66 days"; "never" for 0. */
char *when_relative(guint64 time, guint64 now);

/* "90 days", "24 h", "5 min", "10 s"; "infinity". */
char *when_span(guint64 span);

/* A day, a day and a time (local), or ISO 8601 with its zone. Returns 0, or -EINVAL. */
int when_parse(const char *text, guint64 *ret_time);

/* As systemd.time(7): "14d", "1h 30min", "90" (seconds), "infinity". Returns 0, or -EINVAL. */
int when_parse_span(const char *text, guint64 *ret_span);
