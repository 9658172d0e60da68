/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn.conf, from a text. Each setting of [API] counts for both environments, unless their own section has
 * it too. */
#include "daemon/core/config.h"

#include <string.h>

#include "daemon/core/errors.h"
#include "daemon/core/keyfile.h"
#include "daemon/core/url.h"

#define GROUP "API"
#define KEYS "BaseURL Header KeysPath ProbePath CAFile Timeout Proxy RotateManagementKey ExtraPermissions"

static const char *const environment_groups[ENVIRONMENT_COUNT] = {
    [ENVIRONMENT_LIVE] = "API live",
    [ENVIRONMENT_TEST] = "API test",
};

struct config *config_new(void)
{
    struct config *config = g_new0(struct config, 1);

    config->extra_permissions = g_new0(char *, 1);
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        config->api[i] = (struct api_settings){
            .base_url = g_strdup(environment_base_url((enum environment)i)),
            .header = g_strdup("X-API-Key"),
            .keys_path = g_strdup("/api-keys"),
            .probe_path = g_strdup("/contacts?limit=1"),
            .ca_file = g_strdup(""),
            .proxy = g_strdup(""),
            .timeout = 10 * USEC_PER_SEC,
            .rotate_management_key = false,
        };
    return config;
}

struct config *config_free(struct config *config)
{
    if (config == NULL)
        return NULL;
    for (int i = 0; i < ENVIRONMENT_COUNT; i++) {
        g_free(config->api[i].base_url);
        g_free(config->api[i].header);
        g_free(config->api[i].keys_path);
        g_free(config->api[i].probe_path);
        g_free(config->api[i].ca_file);
        g_free(config->api[i].proxy);
    }
    g_strfreev(config->extra_permissions);
    g_free(config);
    return NULL;
}

static bool fail(GError **error, const char *problem)
{
    g_set_error_literal(error, KT_ERROR, KT_INVALID, problem);
    return false;
}

static bool set_text(char **place, const char *value)
{
    g_free(*place);
    *place = g_strdup(value);
    return true;
}

static bool set_base_url(struct api_settings *api, const char *value, GError **error)
{
    return url_check_base(value, error) && set_text(&api->base_url, value);
}

static bool set_header(struct api_settings *api, const char *value, GError **error)
{
    if (g_ascii_strcasecmp(value, "X-API-Key") == 0)
        return set_text(&api->header, "X-API-Key");
    if (g_ascii_strcasecmp(value, "Authorization") == 0)
        return set_text(&api->header, "Authorization");
    return fail(error, "no such header: write X-API-Key or Authorization");
}

static bool set_keys_path(struct api_settings *api, const char *value, GError **error)
{
    return url_check_path(value, false, error) && set_text(&api->keys_path, value);
}

static bool set_probe_path(struct api_settings *api, const char *value, GError **error)
{
    return url_check_path(value, true, error) && set_text(&api->probe_path, value);
}

static bool set_ca_file(struct api_settings *api, const char *value, GError **error)
{
    if (*value != '\0' && !g_path_is_absolute(value))
        return fail(error, "not a whole path: begin it with /, or leave it empty for the system's");
    return set_text(&api->ca_file, value);
}

static bool set_timeout(struct api_settings *api, const char *value, GError **error)
{
    usec_t timeout;

    if (span_parse(value, &timeout) < 0 || timeout < USEC_PER_SEC || timeout > 5 * USEC_PER_MINUTE)
        return fail(error, "no such timeout: write a span from 1s to 5min");
    api->timeout = timeout;
    return true;
}

static bool set_proxy(struct api_settings *api, const char *value, GError **error)
{
    return (*value == '\0' || url_check_proxy(value, error)) && set_text(&api->proxy, value);
}

static bool set_rotate_management_key(struct api_settings *api, const char *value, GError **error)
{
    static const char *const yes[] = {"yes", "true", "on", "1", NULL};
    static const char *const no[] = {"no", "false", "off", "0", NULL};

    if (!g_strv_contains(yes, value) && !g_strv_contains(no, value))
        return fail(error, "neither yes nor no: write one of them");
    api->rotate_management_key = g_strv_contains(yes, value);
    return true;
}

static const struct {
    const char *key;
    bool (*set)(struct api_settings *api, const char *value, GError **error);
} settings[] = {
    {"BaseURL", set_base_url},   {"Header", set_header},
    {"KeysPath", set_keys_path}, {"ProbePath", set_probe_path},
    {"CAFile", set_ca_file},     {"Timeout", set_timeout},
    {"Proxy", set_proxy},        {"RotateManagementKey", set_rotate_management_key},
};

static bool api_set(struct api_settings *api, const char *key, const char *value, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
        if (strcmp(settings[i].key, key) == 0)
            return settings[i].set(api, value, error);
    return fail(error, "no such setting: there are " KEYS);
}

static bool set_extra_permissions(struct config *config, const struct keyfile_entry *entry, GError **error)
{
    g_auto(GStrv) list = keyfile_list(entry->value);

    if (strcmp(entry->group, GROUP) != 0)
        return fail(error, "counts for both environments: write it in [" GROUP "]");
    for (char **item = list; *item != NULL; item++)
        if (strspn(*item, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS ":._-") != strlen(*item))
            return fail(error, "not a list of permissions: write scope:action;scope:action");
    g_strfreev(config->extra_permissions);
    config->extra_permissions = g_steal_pointer(&list);
    return true;
}

static bool take_value(struct config *config, const struct keyfile_entry *entry, GError **error)
{
    bool taken = true;

    if (strcmp(entry->key, "ExtraPermissions") == 0)
        return set_extra_permissions(config, entry, error);
    for (int i = 0; taken && i < ENVIRONMENT_COUNT; i++)
        if (strcmp(entry->group, GROUP) == 0 || strcmp(entry->group, environment_groups[i]) == 0)
            taken = api_set(&config->api[i], entry->key, entry->value, error);
    return taken;
}

static bool group_is_known(const char *group)
{
    return strcmp(group, GROUP) == 0 || strcmp(group, environment_groups[ENVIRONMENT_LIVE]) == 0 ||
           strcmp(group, environment_groups[ENVIRONMENT_TEST]) == 0;
}

/* Takes the sections in: [API] alone, or all the others. */
static bool take_groups(struct config *config, const struct keyfile *file, bool common, GError **error)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct keyfile_entry *entry = &file->entries[i];
        bool taken = true;

        if (!group_is_known(entry->group))
            taken = fail(error, "no such section: there are [API], [API live] and [API test]");
        else if (entry->key != NULL && (strcmp(entry->group, GROUP) == 0) == common)
            taken = take_value(config, entry, error);
        if (taken)
            continue;
        if (entry->key != NULL)
            g_prefix_error(error, "%s: ", entry->key);
        keyfile_place(file, entry, error);
        return false;
    }
    return true;
}

/* A live key never goes to HueChat's sandbox, nor a test key to the real thing. */
static bool check_environments(const struct config *config, const struct keyfile *file, GError **error)
{
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        for (int other = 0; other < ENVIRONMENT_COUNT; other++) {
            const struct keyfile_entry *entry;

            if (other == i ||
                !url_same_host(config->api[i].base_url, environment_base_url((enum environment)other)))
                continue;
            entry = keyfile_find(file, environment_groups[i], "BaseURL");
            if (entry == NULL || entry->key == NULL)
                entry = keyfile_find(file, GROUP, "BaseURL");
            g_set_error(error, KT_ERROR, KT_INVALID,
                        "BaseURL: that is where %s keys go: no %s key is sent there, use its own [%s]",
                        environment_name((enum environment)other), environment_name((enum environment)i),
                        environment_groups[other]);
            keyfile_place(file, entry, error);
            return false;
        }
    return true;
}

struct config *config_parse(const char *path, const char *text, GError **error)
{
    _cleanup_keyfile_ struct keyfile *file = keyfile_parse(path, text, error);
    struct config *config;

    if (file == NULL)
        return NULL;
    config = config_new();
    if (!take_groups(config, file, true, error) || !take_groups(config, file, false, error) ||
        !check_environments(config, file, error))
        return config_free(config);
    return config;
}
