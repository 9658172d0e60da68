/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a method and a path ask for. Pure. */
#pragma once

#include <stdbool.h>

#include "sandbox/keys.h"

enum resource {
    RESOURCE_KEYS,
    RESOURCE_CONTACTS,
    RESOURCE_CONVERSATIONS,
    RESOURCE_CHANNELS,
    RESOURCE_WEBHOOKS,
    RESOURCE_USERS,
};

#define RESOURCE_COUNT (RESOURCE_USERS + 1)

enum verb {
    VERB_LIST,
    VERB_GET,
    VERB_CREATE,
    VERB_DELETE,
};

struct route {
    bool in_api; /* below a base path */
    bool known;  /* and something is there: the rest is told */
    bool typed;  /* the base path is that of one environment: */
    enum key_type type;
    enum resource resource;
    enum verb verb;
    const char *id; /* of VERB_GET and VERB_DELETE; part of the path */
};

/* Bases are /v2 for both environments, /live/v2 and /test/v2 for one. The path has to outlive the route. */
struct route route_read(const char *method, const char *path);

/* The word in the path, "contacts". */
const char *resource_name(enum resource resource);

/* How its ids start, "con_". */
const char *resource_prefix(enum resource resource);

/* The scope that is needed. */
const char *route_scope(const struct route *route);
