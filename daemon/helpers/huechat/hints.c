/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the headers of an answer say about time and rate. Pure. */
#include "daemon/helpers/huechat/hints.h"

#include <errno.h>

#include <glib.h>

#include "daemon/helpers/huechat/times.h"

#define TOO_MANY_REQUESTS 429
#define RETRY_AFTER_MAX USEC_PER_DAY

static int64_t read_count(const char *text)
{
    guint64 count;

    if (!text || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &count, NULL))
        return -1;
    return (int64_t)count;
}

static usec_t seconds(int64_t count)
{
    return (usec_t)count > USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY : (usec_t)count * USEC_PER_SEC;
}

static usec_t until(usec_t when, usec_t date)
{
    return date == 0 ? 0 : usec_sub(when, date);
}

static usec_t read_retry_after(const char *text, usec_t date)
{
    int64_t count = read_count(text);
    usec_t when;

    if (count >= 0)
        return seconds(count);
    return text && times_parse_http(text, &when) == 0 ? until(when, date) : 0;
}

struct hints hints_read(const struct http_reply *reply, usec_t asked)
{
    struct hints hints = {
        .rate_limit = read_count(reply->headers[HTTP_RATE_LIMIT]),
        .rate_remaining = read_count(reply->headers[HTTP_RATE_REMAINING]),
        .rate_reset = read_count(reply->headers[HTTP_RATE_RESET]),
    };
    usec_t longest;

    if (reply->headers[HTTP_DATE])
        times_parse_http(reply->headers[HTTP_DATE], &hints.date);
    longest = MAX(asked, read_retry_after(reply->headers[HTTP_RETRY_AFTER], hints.date));
    if (reply->status == TOO_MANY_REQUESTS && hints.rate_reset >= 0)
        longest = MAX(longest, until(seconds(hints.rate_reset), hints.date));
    hints.retry_after = MIN(longest, RETRY_AFTER_MAX);
    return hints;
}
