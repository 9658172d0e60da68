/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A rotation's record: its fields, and the names of its states, causes and keys. */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include "daemon/core/rotation.h"

static const char *const state_names[] = {
    [ROTATION_PLANNED] = "planned",
    [ROTATION_CREATING] = "creating",
    [ROTATION_RECONCILING] = "reconciling",
    [ROTATION_STORED] = "stored",
    [ROTATION_VERIFIED] = "verified",
    [ROTATION_DRAINING] = "draining",
    [ROTATION_DELETING] = "deleting",
    [ROTATION_DELETED] = "deleted",
    [ROTATION_DONE] = "done",
    [ROTATION_ROLLING_BACK] = "rolling-back",
    [ROTATION_ABORTED] = "aborted",
    [ROTATION_AWAITING_KEY] = "awaiting-key",
    [ROTATION_AWAITING_DELETION] = "awaiting-deletion",
    [ROTATION_HELD] = "held",
};

static const char *const cause_names[] = {
    [CAUSE_ADD] = "first key",    [CAUSE_AGE] = "due by age",
    [CAUSE_ASKED] = "asked for",  [CAUSE_COMPROMISED] = "compromised",
    [CAUSE_LOST] = "secret lost", [CAUSE_DEAD] = "key refused by HueChat",
    [CAUSE_REVOKE] = "revoked",   [CAUSE_REMOVE] = "removed",
};

const char *rotation_state_name(enum rotation_state state)
{
    return state_names[state];
}

int rotation_state_parse(const char *name, enum rotation_state *ret)
{
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (strcmp(state_names[i], name) == 0) {
            *ret = (enum rotation_state)i;
            return 0;
        }
    return -EINVAL;
}

const char *rotation_cause_name(enum rotation_cause cause)
{
    return cause_names[cause];
}

struct rotation *rotation_new(const char *rid, const char *integration, enum environment environment,
                              enum rotation_cause cause, usec_t now)
{
    struct rotation *r = g_new0(struct rotation, 1);

    r->rid = g_strdup(rid);
    r->integration = g_strdup(integration);
    r->environment = environment;
    r->cause = cause;
    r->compromised = cause == CAUSE_COMPROMISED;
    r->state = cause == CAUSE_REVOKE || cause == CAUSE_REMOVE ? ROTATION_DELETING : ROTATION_PLANNED;
    r->started_at = now;
    return r;
}

struct rotation *rotation_copy(const struct rotation *rotation)
{
    struct rotation *r = g_memdup2(rotation, sizeof *rotation);

#define NUM(f)
#define FLAG(f)
#define TEXT(f) r->f = g_strdup(rotation->f);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    return r;
}

struct rotation *rotation_free(struct rotation *rotation)
{
    if (rotation == NULL)
        return NULL;
#define NUM(f)
#define FLAG(f)
#define TEXT(f) g_free(rotation->f);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    g_free(rotation);
    return NULL;
}

bool rotation_equal(const struct rotation *a, const struct rotation *b)
{
    bool equal = true;

#define NUM(f) equal = equal && a->f == b->f;
#define FLAG(f) equal = equal && a->f == b->f;
#define TEXT(f) equal = equal && g_strcmp0(a->f, b->f) == 0;
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    return equal;
}

/* The management key's record is named "@test"; HueChat gets a name that people understand. */
static const char *base_name(const struct rotation *r)
{
    return r->integration[0] == '@' ? "keyturn-management" : r->integration;
}

char *rotation_key_name(const struct rotation *r)
{
    return g_strdup_printf("%s [kt %s.%u]", base_name(r), r->rid, (unsigned)r->attempt);
}

bool rotation_made(const struct rotation *r, const char *key_name)
{
    g_autofree char *prefix = g_strdup_printf("%s [kt %s.", base_name(r), r->rid);
    const char *rest;

    if (!g_str_has_prefix(key_name, prefix))
        return false;
    rest = key_name + strlen(prefix);
    return g_ascii_isdigit(*rest) && strcmp(rest + strspn(rest, "0123456789"), "]") == 0;
}
