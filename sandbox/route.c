/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of what there is. */
#include "sandbox/route.h"

#include <string.h>

static const struct {
    const char *name;
    const char *prefix;
    const char *read_scope;
    const char *write_scope;
} resources[RESOURCE_COUNT] = {
    [RESOURCE_KEYS] = {"api-keys", "key_", "admin:write", "admin:write"},
    [RESOURCE_CONTACTS] = {"contacts", "con_", "contacts:read", "contacts:write"},
    [RESOURCE_CONVERSATIONS] = {"conversations", "conv_", "conversations:read", "conversations:write"},
    [RESOURCE_CHANNELS] = {"channels", "chan_", "channels:read", "channels:write"},
    [RESOURCE_WEBHOOKS] = {"webhooks", "wh_", "webhooks:manage", "webhooks:manage"},
    [RESOURCE_USERS] = {"users", "usr_", "admin:read", "admin:write"},
};

static const struct {
    const char *path;
    bool typed;
    enum key_type type;
} bases[] = {
    {"/v2", false, KEY_LIVE},
    {"/live/v2", true, KEY_LIVE},
    {"/test/v2", true, KEY_TEST},
};

static bool read_verb(const char *method, bool one, enum verb *ret)
{
    if (strcmp(method, "GET") == 0)
        *ret = one ? VERB_GET : VERB_LIST;
    else if (strcmp(method, "POST") == 0 && !one)
        *ret = VERB_CREATE;
    else if (strcmp(method, "DELETE") == 0 && one)
        *ret = VERB_DELETE;
    else
        return false;
    return true;
}

/* rest is "/contacts" or "/contacts/ID". */
static void read_resource(struct route *route, const char *method, const char *rest)
{
    for (enum resource r = 0; r < RESOURCE_COUNT; r++) {
        size_t length = strlen(resources[r].name);

        if (strncmp(rest + 1, resources[r].name, length) != 0)
            continue;
        rest += 1 + length;
        if (*rest == '/' && rest[1] != '\0' && strchr(rest + 1, '/') == NULL)
            route->id = rest + 1;
        else if (*rest != '\0')
            return;
        route->resource = r;
        route->known = read_verb(method, route->id != NULL, &route->verb);
        return;
    }
}

struct route route_read(const char *method, const char *path)
{
    struct route route = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(bases); i++) {
        size_t length = strlen(bases[i].path);

        if (strncmp(path, bases[i].path, length) != 0 || (path[length] != '/' && path[length] != '\0'))
            continue;
        route.in_api = true;
        route.typed = bases[i].typed;
        route.type = bases[i].type;
        if (path[length] == '/')
            read_resource(&route, method, path + length);
    }
    return route;
}

const char *resource_name(enum resource resource)
{
    return resources[resource].name;
}

const char *resource_prefix(enum resource resource)
{
    return resources[resource].prefix;
}

const char *route_scope(const struct route *route)
{
    const bool reads = route->verb == VERB_LIST || route->verb == VERB_GET;

    return reads ? resources[route->resource].read_scope : resources[route->resource].write_scope;
}
