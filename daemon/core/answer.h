/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a provider told: facts of one HTTP answer, and the few things that they prove (rotation.md, "What a
 * create answered"; huechat-api.md on 401 and 403). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/environment.h"
#include "daemon/util/clock.h"

struct answer {
    unsigned status; /* HTTP, 0: none came */
    bool sent;       /* false: certainly no byte of the request reached the server */
    bool complete;   /* the body came whole and is what the contract promises */
    char *error;     /* HueChat's word for it, or empty */
    char *message;   /* one line for people */
    char *request_id;
    usec_t date;                                    /* HueChat's clock, 0: not told */
    usec_t retry_after;                             /* span, 0: not told */
    int64_t rate_limit, rate_remaining, rate_reset; /* -1: not told; reset in Unix seconds */
};

/* A key as HueChat shows it: never its secret. */
struct remote_key {
    char *id;
    char *name;
    enum environment
        type; /* ENVIRONMENT_COUNT: an entry of a list that could not be read; then only id is set */
    bool full_access;
    char **permissions;
    char *last4;
    usec_t created_at;   /* HueChat's time, 0: not told */
    usec_t last_used_at; /* HueChat's time, 0: never, or not told */
};

enum answer_class {
    ANSWER_OK,      /* 2xx that keeps the contract */
    ANSWER_ABSENT,  /* 404 in HueChat's own words; a proxy's page proves nothing */
    ANSWER_LIMITED, /* 429: nothing was done, wait */
    ANSWER_DENIED,  /* the key was refused in HueChat's own words: 401 unauthorized, 403 forbidden */
    ANSWER_REFUSED, /* another documented 4xx but 409: nothing was done */
    ANSWER_UNSENT,  /* nothing reached HueChat */
    ANSWER_UNKNOWN, /* all else: it may have been done */
};

enum verdict {
    VERDICT_VALID,   /* 2xx with data, or 403 forbidden in HueChat's words */
    VERDICT_INVALID, /* 401 unauthorized in HueChat's words */
    VERDICT_UNKNOWN, /* proves nothing */
};

enum answer_class answer_class(const struct answer *answer);

/* What a probe's answer proves about the key it was made with. */
enum verdict answer_verdict(const struct answer *probe);

/* Frees what is inside. */
void answer_clear(struct answer *answer);
void remote_key_clear(struct remote_key *key);
struct remote_key *remote_key_free(struct remote_key *key);

/* "full", or its scopes joined by ';'. The caller frees it (g_free). */
char *remote_key_permissions(const struct remote_key *key);

/* Whether two lists hold the same permissions, in any order. */
bool permissions_equal(char *const *a, char *const *b);
