/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings of an integration as texts, one table row each, and the file they make. */
#include "daemon/core/integration.h"

#include <string.h>

#include "daemon/core/errors.h"
#include "daemon/core/integration-private.h"
#include "daemon/core/keyfile.h"

#define GROUP "Integration"

enum kind {
    KIND_WORD, /* one of two words */
    KIND_SPAN, /* a span of time */
    KIND_LIST, /* texts, joined by ';' */
};

enum setting {
    ENVIRONMENT,
    ACCESS,
    PERMISSIONS,
    MANAGEMENT,
    ROTATE_AFTER,
    OVERLAP,
    MAX_OVERLAP,
    ON_STILL_USED,
    ALLOW,
    DELIVERY,
    RELOAD_UNITS,
    RESTART_UNITS,
    START_UNITS,
    SETTING_COUNT,
};

static const struct {
    const char *key;
    enum kind kind;
    const char *words[2]; /* in the order of the enum or bool that they stand for */
    const char *comment;
} settings[SETTING_COUNT] = {
    [ENVIRONMENT] = {"Environment", KIND_WORD, {"live", "test"}, "live or test; can't be changed later"},
    [ACCESS] = {"Access", KIND_WORD, {"custom", "full"}, "full or custom"},
    [PERMISSIONS] = {"Permissions", KIND_LIST, {NULL}, NULL},
    [MANAGEMENT] = {"Management", KIND_WORD, {"api", "dashboard"}, "api or dashboard"},
    [ROTATE_AFTER] = {"RotateAfter", KIND_SPAN, {NULL}, "spans as in systemd.time(7), or infinity"},
    [OVERLAP] = {"Overlap", KIND_SPAN, {NULL}, NULL},
    [MAX_OVERLAP] = {"MaxOverlap", KIND_SPAN, {NULL}, NULL},
    [ON_STILL_USED] = {"OnStillUsed", KIND_WORD, {"hold", "delete"}, "at MaxOverlap: hold or delete"},
    [ALLOW] = {"Allow", KIND_LIST, {NULL}, "any, user:NAME, group:NAME, unit:NAME; + joins for and"},
    [DELIVERY] = {"Delivery", KIND_WORD, {"any", "pipe"}, "any, or pipe: no string replies on the bus"},
    [RELOAD_UNITS] = {"ReloadUnits", KIND_LIST, {NULL}, "what systemd does after a swap"},
    [RESTART_UNITS] = {"RestartUnits", KIND_LIST, {NULL}, NULL},
    [START_UNITS] = {"StartUnits", KIND_LIST, {NULL}, NULL},
};

static int setting_parse(const char *key, enum setting *ret)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings[i].key, key) == 0) {
            *ret = (enum setting)i;
            return 0;
        }
    return -1;
}

/* Which of the two words stands. */
static unsigned get_word(const struct integration *integration, enum setting setting)
{
    if (setting == ENVIRONMENT)
        return integration->environment;
    if (setting == ACCESS)
        return integration->full_access;
    if (setting == MANAGEMENT)
        return integration->managed_by;
    return setting == DELIVERY ? integration->pipe_only : integration->delete_if_still_used;
}

static bool set_word(struct integration *integration, enum setting setting, const char *value, GError **error)
{
    const char *const *words = settings[setting].words;
    g_autofree char *shown = keyfile_show(value);
    unsigned i = strcmp(value, words[0]) == 0 ? 0 : 1;

    if (strcmp(value, words[i]) != 0) {
        g_set_error(error, KT_ERROR, KT_INVALID, "%s: can't be %s: write %s or %s", settings[setting].key,
                    shown, words[0], words[1]);
        return false;
    }
    if (setting == ENVIRONMENT)
        integration->environment = (enum environment)i;
    else if (setting == ACCESS)
        integration->full_access = i;
    else if (setting == MANAGEMENT)
        integration->managed_by = (enum managed_by)i;
    else if (setting == DELIVERY)
        integration->pipe_only = i;
    else
        integration->delete_if_still_used = i;
    return true;
}

static usec_t get_span(const struct integration *integration, enum setting setting)
{
    if (setting == ROTATE_AFTER)
        return integration->rotate_after;
    return setting == OVERLAP ? integration->overlap : integration->max_overlap;
}

static bool set_span(struct integration *integration, enum setting setting, const char *value, GError **error)
{
    g_autofree char *shown = keyfile_show(value);
    usec_t span;

    if (span_parse(value, &span) < 0) {
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "%s: %s is no span of time: write one such as 5s, 10min, 24h, 90d or infinity",
                    settings[setting].key, shown);
        return false;
    }
    if (setting == ROTATE_AFTER)
        integration->rotate_after = span;
    if (setting == OVERLAP)
        integration->overlap = span;
    if (setting == MAX_OVERLAP) {
        integration->max_overlap = span;
        integration->max_overlap_given = true;
    }
    if (!integration->max_overlap_given)
        integration->max_overlap = MAX(MAX_OVERLAP_DEFAULT, integration->overlap);
    return true;
}

static char **get_list(const struct integration *integration, enum setting setting)
{
    if (setting == PERMISSIONS)
        return integration->permissions;
    if (setting == ALLOW)
        return integration->allow;
    if (setting == RELOAD_UNITS)
        return integration->reload_units;
    return setting == RESTART_UNITS ? integration->restart_units : integration->start_units;
}

static bool set_list(struct integration *integration, enum setting setting, const char *value, GError **error)
{
    g_auto(GStrv) list = keyfile_list(value);
    char ***place = &integration->start_units;

    if (setting == PERMISSIONS)
        place = &integration->permissions;
    else if (setting == ALLOW)
        place = &integration->allow;
    else if (setting == RELOAD_UNITS)
        place = &integration->reload_units;
    else if (setting == RESTART_UNITS)
        place = &integration->restart_units;
    if (setting == ALLOW && !integration_check_rules(list, error))
        return false;
    if (setting >= RELOAD_UNITS && !integration_check_units(settings[setting].key, list, error))
        return false;
    g_strfreev(*place);
    *place = g_steal_pointer(&list);
    return true;
}

bool integration_set(struct integration *integration, const char *key, const char *value, GError **error)
{
    g_autofree char *shown = keyfile_show(key);
    enum setting setting;
    GString *all;

    if (setting_parse(key, &setting) == 0) {
        switch (settings[setting].kind) {
        case KIND_WORD:
            return set_word(integration, setting, value, error);
        case KIND_SPAN:
            return set_span(integration, setting, value, error);
        case KIND_LIST:
            return set_list(integration, setting, value, error);
        }
    }
    all = g_string_new(NULL);
    for (unsigned i = 0; i < SETTING_COUNT; i++)
        g_string_append_printf(all, " %s", settings[i].key);
    g_set_error(error, KT_ERROR, KT_INVALID, "%s: no such setting: there are%s", shown, all->str);
    g_string_free(all, TRUE);
    return false;
}

char *integration_get(const struct integration *integration, const char *key)
{
    enum setting setting;

    if (setting_parse(key, &setting) < 0)
        return NULL;
    switch (settings[setting].kind) {
    case KIND_WORD:
        return g_strdup(settings[setting].words[get_word(integration, setting)]);
    case KIND_SPAN:
        return span_format(get_span(integration, setting));
    case KIND_LIST:
        return g_strjoinv(";", get_list(integration, setting));
    }
    return NULL;
}

static bool take_entry(struct integration *integration, const struct keyfile_entry *entry, GError **error)
{
    if (strcmp(entry->group, GROUP) != 0) {
        g_set_error(error, KT_ERROR, KT_INVALID, "no such section: all settings stand in [" GROUP "]");
        return false;
    }
    return entry->key == NULL || integration_set(integration, entry->key, entry->value, error);
}

struct integration *integration_parse(const char *name, const char *path, const char *text,
                                      char *const *extra_permissions, GError **error)
{
    _cleanup_keyfile_ struct keyfile *file = keyfile_parse(path, text, error);
    _cleanup_integration_ struct integration *integration = integration_new(name);
    const char *fault;

    if (file == NULL)
        return NULL;
    for (size_t i = 0; i < file->count; i++)
        if (!take_entry(integration, &file->entries[i], error)) {
            keyfile_place(file, &file->entries[i], error);
            return NULL;
        }
    fault = integration_fault(integration, extra_permissions, error);
    if (fault != NULL) {
        keyfile_place(file, keyfile_find(file, GROUP, fault), error);
        return NULL;
    }
    return g_steal_pointer(&integration);
}

/* Permissions mean nothing with full access, and most integrations need no units. */
static bool is_written(const struct integration *integration, enum setting setting)
{
    if (setting == PERMISSIONS)
        return !integration->full_access;
    return setting < RELOAD_UNITS || *get_list(integration, setting) != NULL;
}

void integration_each_setting(const struct integration *integration,
                              void (*each)(const char *key, const char *value, bool is_list, void *userdata),
                              void *userdata)
{
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        g_autofree char *value = integration_get(integration, settings[i].key);

        if (is_written(integration, (enum setting)i))
            each(settings[i].key, value, settings[i].kind == KIND_LIST, userdata);
    }
}

bool integration_has_units(const struct integration *integration)
{
    return *integration->reload_units != NULL || *integration->restart_units != NULL ||
           *integration->start_units != NULL;
}

char *integration_drop_units(struct integration *integration)
{
    g_autoptr(GString) dropped = g_string_new(NULL);

    for (unsigned i = RELOAD_UNITS; i <= START_UNITS; i++) {
        g_autofree char *value = integration_get(integration, settings[i].key);

        if (*value == '\0')
            continue;
        g_string_append_printf(dropped, "%s%s=%s", dropped->len > 0 ? " " : "", settings[i].key, value);
        set_list(integration, (enum setting)i, "", NULL);
    }
    return dropped->len > 0 ? g_string_free(g_steal_pointer(&dropped), FALSE) : NULL;
}

char *integration_to_text(const struct integration *integration)
{
    GString *text = g_string_new(NULL);

    g_string_append_printf(
        text,
        "# The integration %s: what its key may do, who may fetch it, when it is rotated.\n"
        "# Comments stand on lines of their own. `keyturn reload` takes changes in.\n"
        "[" GROUP "]\n",
        integration->name);
    for (unsigned i = 0; i < SETTING_COUNT; i++) {
        g_autofree char *value = integration_get(integration, settings[i].key);

        if (!is_written(integration, (enum setting)i))
            continue;
        if (settings[i].comment != NULL)
            g_string_append_printf(text, "# %s\n", settings[i].comment);
        g_string_append_printf(text, "%s=%s\n", settings[i].key, value);
    }
    return g_string_free(text, FALSE);
}
