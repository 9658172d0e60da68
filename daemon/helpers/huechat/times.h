/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Points in time as HueChat and HTTP write them. Pure; no locale, no time zone. */
#pragma once

#include "daemon/util/clock.h"

/* "2026-11-23T10:00:00Z", fractions of a second allowed; any year from 1970 on. Returns 0, or -EINVAL with
 * *ret untouched. */
int times_parse_iso(const char *text, usec_t *ret);

/* "Mon, 23 Nov 2026 10:00:00 GMT", and the two older forms of RFC 9110. Returns 0, or -EINVAL with *ret
 * untouched. */
int times_parse_http(const char *text, usec_t *ret);
