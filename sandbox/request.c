/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a request. */
#include "sandbox/request.h"

#include <string.h>

struct request *request_new(const char *target)
{
    struct request *request = g_new0(struct request, 1);

    request->target = g_strdup(target);
    request->body = g_string_new(NULL);
    return request;
}

struct request *request_copy(const struct request *request)
{
    struct request *copy = request_new(request->target);

    copy->method = g_strdup(request->method);
    copy->path = g_strdup(request->path);
    copy->secret = g_strdup(request->secret);
    copy->idempotency_key = g_strdup(request->idempotency_key);
    copy->limit = g_strdup(request->limit);
    copy->offset = g_strdup(request->offset);
    g_string_append_len(copy->body, request->body->str, (gssize)request->body->len);
    copy->too_large = request->too_large;
    return copy;
}

struct request *request_free(struct request *request)
{
    if (request == NULL)
        return NULL;
    if (request->secret != NULL)
        explicit_bzero(request->secret, strlen(request->secret));
    g_free(request->secret);
    g_free(request->method);
    g_free(request->target);
    g_free(request->path);
    g_free(request->idempotency_key);
    g_free(request->limit);
    g_free(request->offset);
    g_string_free(request->body, TRUE);
    g_free(request);
    return NULL;
}
