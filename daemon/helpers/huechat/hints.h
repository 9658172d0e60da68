/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the headers of an answer say about time and rate. Pure. */
#pragma once

#include <stdint.h>

#include "daemon/helpers/huechat/http.h"

struct hints {
    usec_t date;                                    /* 0: not told */
    usec_t retry_after;                             /* from the answer on, a day at most; 0: not told */
    int64_t rate_limit, rate_remaining, rate_reset; /* -1: not told; reset in Unix seconds */
};

/* asked: the wait that the body asks for, 0: none. HueChat's times are measured by HueChat's Date alone:
 * without one, those hints that are points in time say nothing. */
struct hints hints_read(const struct http_reply *reply, usec_t asked);
