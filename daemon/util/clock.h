/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time and spans, in microseconds as in systemd, and their texts. Time is always passed in. */
#pragma once

#include <stdint.h>

typedef uint64_t usec_t;

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_PER_HOUR (60 * USEC_PER_MINUTE)
#define USEC_PER_DAY (24 * USEC_PER_HOUR)
#define USEC_INFINITY UINT64_MAX

/* a + b, or infinity. */
static inline usec_t usec_add(usec_t a, usec_t b)
{
    return a > USEC_INFINITY - b ? USEC_INFINITY : a + b;
}

/* a - b, or 0. */
static inline usec_t usec_sub(usec_t a, usec_t b)
{
    return a > b ? a - b : 0;
}

/* Reads a span as systemd.time(7) writes it: "90d", "1h 30min", "2s", "infinity"; a bare number is seconds.
 * Returns 0, or -EINVAL with *ret untouched. */
int span_parse(const char *text, usec_t *ret);

/* The shortest exact text of a span, "1d 12h" or "infinity". The caller frees it (g_free). */
char *span_format(usec_t span);

/* The wall clock, CLOCK_REALTIME. */
usec_t clock_now(void);

/* "2026-11-23T10:00:00Z". The caller frees it (g_free). */
char *clock_format(usec_t when);
