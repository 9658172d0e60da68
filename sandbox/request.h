/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request as it came, free of the library that read it. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#define REQUEST_BODY_MAX (64 * 1024)

struct request {
    char *method;
    char *target; /* as sent, with its query */
    char *path;   /* decoded, without it */
    char *secret; /* the key it was made with */
    char *idempotency_key;
    char *limit; /* of the query */
    char *offset;
    GString *body;
    bool too_large; /* the body was cut at REQUEST_BODY_MAX */
};

struct request *request_new(const char *target);

/* A deep copy. */
struct request *request_copy(const struct request *request);

/* Frees it and wipes the key. */
struct request *request_free(struct request *request);
