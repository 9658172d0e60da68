/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request and what came of it. Knows neither JSON nor the vendor. The only place of curl. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/util/clock.h"

/* Headers of a reply that anybody wants. */
enum http_header {
    HTTP_DATE,
    HTTP_RETRY_AFTER,
    HTTP_REQUEST_ID,     /* X-Request-Id */
    HTTP_RATE_LIMIT,     /* X-RateLimit-Limit */
    HTTP_RATE_REMAINING, /* X-RateLimit-Remaining */
    HTTP_RATE_RESET,     /* X-RateLimit-Reset */
    HTTP_HEADER_COUNT
};

/* All texts are borrowed, on one line, and printable ASCII (the body aside). */
struct http_request {
    const char *method;
    const char *url;
    const char *key_header;      /* "X-API-Key", or "Authorization" for a bearer token */
    const char *key;             /* secret */
    const char *idempotency_key; /* or NULL */
    const char *body;            /* JSON, or NULL */
    const char *ca_file;         /* empty: the system's */
    const char *proxy;           /* empty: none */
    usec_t timeout;              /* for all of it, connecting included */
};

struct http_reply {
    unsigned status; /* of the final answer, 0: none came */
    bool sent;       /* false: certainly no byte of the request left */
    bool whole;      /* the answer came to its proper end */
    char *body;      /* NUL-terminated; may hold a secret */
    size_t length;
    char *headers[HTTP_HEADER_COUNT]; /* values, NULL: not sent */
    char *trouble; /* why it is not whole, else NULL; curl's words: not to be shown without a look */
};

/* Once, before anything else here, in a single thread. 0 or negative errno. */
int http_init(void);

/* Sends the request once, on a connection of its own, and waits for the answer. Fills *ret in any case;
 * release it with http_reply_clear(). */
void http_exchange(const struct http_request *request, struct http_reply *ret);

/* Erases and frees what is inside. */
void http_reply_clear(struct http_reply *reply);
