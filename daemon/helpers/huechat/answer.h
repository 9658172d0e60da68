/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one request came to, as the contract tells it. */
#pragma once

#include <stdbool.h>

#include "daemon/helpers/huechat/hints.h"

struct answer {
    unsigned status;
    bool sent;
    bool complete;
    char *error;
    char *message;
    char *request_id;
    struct hints hints;
};

/* From a reply to a request that was made with this key. A documented error body is read; whether the body of
 * a success keeps its promise the caller tells with answer_judge(). Free it with answer_clear(). */
void answer_read(const struct http_reply *reply, const char *key, struct answer *ret);

/* Whether this is a success whose body came whole and is still to be judged. */
bool answer_is_success(const struct answer *answer, const struct http_reply *reply);

/* fit: 0, or negative as a reader of the contract returned it, with why. */
void answer_judge(struct answer *answer, int fit, const char *why);

void answer_clear(struct answer *answer);
