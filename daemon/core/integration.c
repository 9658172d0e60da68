/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an integration is by default, which settings fit together, and when its key is due. */
#include "daemon/core/integration.h"

#include <string.h>

#include "daemon/core/errors.h"
#include "daemon/core/integration-private.h"
#include "daemon/core/keyfile.h"
#include "daemon/core/policy.h"
#include "daemon/util/text.h"

#define JITTER_PART 10 /* of Overlap */

static const char *const known_permissions[] = {
    "contacts:read",  "contacts:write",  "conversations:read", "conversations:write", "channels:read",
    "channels:write", "webhooks:manage", "admin:read",         "admin:write",         NULL};

bool integration_name_is_valid(const char *name)
{
    return text_is_slug(name);
}

struct integration *integration_new(const char *name)
{
    struct integration *integration = g_new(struct integration, 1);

    *integration = (struct integration){
        .name = g_strdup(name),
        .environment = ENVIRONMENT_TEST,
        .managed_by = MANAGED_BY_API,
        .permissions = g_new0(char *, 1),
        .rotate_after = 90 * USEC_PER_DAY,
        .overlap = USEC_PER_DAY,
        .max_overlap = MAX_OVERLAP_DEFAULT,
        .allow = g_new0(char *, 1),
        .reload_units = g_new0(char *, 1),
        .restart_units = g_new0(char *, 1),
        .start_units = g_new0(char *, 1),
    };
    return integration;
}

struct integration *integration_copy(const struct integration *integration)
{
    struct integration *copy = g_memdup2(integration, sizeof *integration);

    copy->name = g_strdup(integration->name);
    copy->permissions = g_strdupv(integration->permissions);
    copy->allow = g_strdupv(integration->allow);
    copy->reload_units = g_strdupv(integration->reload_units);
    copy->restart_units = g_strdupv(integration->restart_units);
    copy->start_units = g_strdupv(integration->start_units);
    return copy;
}

struct integration *integration_free(struct integration *integration)
{
    if (integration == NULL)
        return NULL;
    g_free(integration->name);
    g_strfreev(integration->permissions);
    g_strfreev(integration->allow);
    g_strfreev(integration->reload_units);
    g_strfreev(integration->restart_units);
    g_strfreev(integration->start_units);
    g_free(integration);
    return NULL;
}

static bool fail(GError **error, const char *key, const char *problem)
{
    g_set_error(error, KT_ERROR, KT_INVALID, "%s: %s", key, problem);
    return false;
}

bool integration_check_rules(char *const *rules, GError **error)
{
    for (; *rules != NULL; rules++) {
        g_autofree char *shown = keyfile_show(*rules);
        if (policy_rule_check(*rules, error))
            continue;
        g_prefix_error(error, "Allow: %s: ", shown);
        return false;
    }
    return true;
}

bool integration_check_units(const char *key, char *const *units, GError **error)
{
    for (; *units != NULL; units++) {
        g_autofree char *shown = keyfile_show(*units);
        if (unit_name_is_valid(*units))
            continue;
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "%s: %s: no unit can be called so: write its whole name, such as crm.service", key,
                    shown);
        return false;
    }
    return true;
}

static bool check_permissions(const struct integration *integration, char *const *extra, GError **error)
{
    bool any = *integration->permissions != NULL;

    if (integration->full_access && any)
        return fail(error, "Permissions", "full access has them all: leave them out, or write Access=custom");
    if (!integration->full_access && !any)
        return fail(error, "Permissions", "custom access needs at least one: name it, or write Access=full");
    for (char **permission = integration->permissions; *permission != NULL; permission++) {
        g_autofree char *shown = keyfile_show(*permission);
        g_autofree char *nine = g_strjoinv(" ", (char **)known_permissions);
        g_autofree char *more = extra != NULL ? g_strjoinv(" ", (char **)extra) : g_strdup("");

        if (g_strv_contains(known_permissions, *permission) ||
            (extra != NULL && g_strv_contains((const char *const *)extra, *permission)))
            continue;
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "Permissions: HueChat has no %s: there are %s%s%s; a newer one goes into "
                    "ExtraPermissions of keyturn.conf",
                    shown, nine, *more != '\0' ? " " : "", more);
        return false;
    }
    return true;
}

/* The setting at fault, or NULL. */
static const char *check_spans(const struct integration *integration, GError **error)
{
    usec_t overlap = integration->overlap, rotate_after = integration->rotate_after;

    if (overlap < USEC_PER_SEC || overlap > SPAN_MAX) {
        fail(error, "Overlap", "out of range: write a span from 1s to 36500d");
        return "Overlap";
    }
    if (rotate_after <= 2 * overlap) {
        fail(error, "RotateAfter", "has to be more than twice Overlap: raise it, or lower Overlap");
        return "RotateAfter";
    }
    if (rotate_after > SPAN_MAX && rotate_after != USEC_INFINITY) {
        fail(error, "RotateAfter", "out of range: write at most 36500d, or infinity");
        return "RotateAfter";
    }
    if (integration->max_overlap < overlap) {
        fail(error, "MaxOverlap", "is less than Overlap: raise it, or lower Overlap");
        return "MaxOverlap";
    }
    if (integration->max_overlap > SPAN_MAX && integration->max_overlap != USEC_INFINITY) {
        fail(error, "MaxOverlap", "out of range: write at most 36500d, or infinity");
        return "MaxOverlap";
    }
    return NULL;
}

const char *integration_fault(const struct integration *integration, char *const *extra_permissions,
                              GError **error)
{
    if (!integration_name_is_valid(integration->name)) {
        fail(error, "name", "1 to 64 of a-z 0-9 . _ -, starting with a letter or digit: choose another");
        return "";
    }
    if (!check_permissions(integration, extra_permissions, error))
        return "Permissions";
    if (!integration_check_rules(integration->allow, error))
        return "Allow";
    if (!integration_check_units("ReloadUnits", integration->reload_units, error))
        return "ReloadUnits";
    if (!integration_check_units("RestartUnits", integration->restart_units, error))
        return "RestartUnits";
    if (!integration_check_units("StartUnits", integration->start_units, error))
        return "StartUnits";
    return check_spans(integration, error);
}

bool integration_check(const struct integration *integration, char *const *extra_permissions, GError **error)
{
    return integration_fault(integration, extra_permissions, error) == NULL;
}

bool integration_equal(const struct integration *a, const struct integration *b)
{
    g_autofree char *text_a = integration_to_text(a), *text_b = integration_to_text(b);

    return strcmp(text_a, text_b) == 0;
}

/* FNV-1a: the same on every machine and in every version, so that a restart moves no date. */
static uint64_t stable_hash(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

usec_t integration_due_at(const struct integration *integration, usec_t key_created_at)
{
    usec_t jitter = stable_hash(integration->name) % (integration->overlap / JITTER_PART + 1);

    if (integration->rotate_after == USEC_INFINITY)
        return USEC_INFINITY;
    return usec_add(key_created_at, integration->rotate_after - integration->overlap - jitter);
}
