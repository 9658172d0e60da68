/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who and what, before anything is done. */
#include "sandbox/visit.h"

#include <string.h>

#include "sandbox/text.h"

/* A secret whose prefix is not that of its key's environment opens nothing (the fault wrong-prefix makes
 * such). */
static bool lets_in(const struct key *key, const struct request *request, const struct route *route)
{
    return key != NULL && g_str_has_prefix(request->secret, key_type_prefix(key->type)) &&
           (!route->typed || route->type == key->type) && key_works(key, clock_now());
}

struct visit visit_begin(struct sandbox *sandbox, const struct request *request)
{
    struct visit visit = {
        .sandbox = sandbox,
        .request = request,
        .route = route_read(request->method, request->path),
        .now = sandbox_now(sandbox),
        .known = request->secret != NULL ? keys_by_secret(sandbox->keys, request->secret) : NULL,
        .request_id = text_random("req_", TEXT_BASE62, 16),
    };

    if (lets_in(visit.known, request, &visit.route))
        visit.key = visit.known;
    return visit;
}

void visit_clear(struct visit *visit)
{
    g_free(visit->request_id);
}

const struct fault *visit_fault(const struct visit *visit, enum fault_kind kind)
{
    return visit->faulty && visit->fault.kind == kind ? &visit->fault : NULL;
}

static enum call key_call(enum verb verb)
{
    switch (verb) {
    case VERB_LIST:
        return CALL_LIST;
    case VERB_GET:
        return CALL_GET;
    case VERB_CREATE:
        return CALL_CREATE;
    case VERB_DELETE:
        return CALL_DELETE;
    }
    g_assert_not_reached();
}

enum call visit_call(const struct visit *visit)
{
    const struct route *route = &visit->route;
    const bool manages = visit->known != NULL && strcmp(visit->known->origin, "start") == 0;

    if (!route->known)
        return CALL_OTHER;
    if (route->resource == RESOURCE_KEYS)
        return key_call(route->verb);
    if ((route->verb == VERB_LIST || route->verb == VERB_GET) && !manages)
        return CALL_PROBE;
    return CALL_OTHER;
}
