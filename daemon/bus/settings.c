/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One loop over a dictionary, and what each method takes out of it. */
#include "daemon/bus/settings.h"

#include <string.h>

#include "daemon/core/errors.h"
#include "daemon/util/text.h"

/* Reads one variant by its name; false with an error. */
typedef bool (*take_fn)(sd_bus_message *message, const char *name, char type, void *userdata, GError **error);

static bool garbled(GError **error)
{
    g_set_error(error, KT_ERROR, KT_INVALID, "the arguments can't be read: pass a dictionary of variants");
    return false;
}

static bool unknown(const char *name, const char *known, GError **error)
{
    g_set_error(error, KT_ERROR, KT_INVALID, "there is no option %s of that type: use %s", name, known);
    return false;
}

static bool read_dictionary(sd_bus_message *message, take_fn take, void *userdata, GError **error)
{
    const char *name, *contents;
    char type;
    int r = sd_bus_message_enter_container(message, 'a', "{sv}");

    if (r < 0)
        return garbled(error);
    while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
        if (sd_bus_message_read(message, "s", &name) < 0 ||
            sd_bus_message_peek_type(message, &type, &contents) < 0 || type != 'v' ||
            sd_bus_message_enter_container(message, 'v', contents) < 0)
            return garbled(error);
        if (!take(message, name, strcmp(contents, "as") == 0 ? 'a' : contents[0], userdata, error))
            return false;
        if (sd_bus_message_exit_container(message) < 0 || sd_bus_message_exit_container(message) < 0)
            return garbled(error);
    }
    return r < 0 || sd_bus_message_exit_container(message) < 0 ? garbled(error) : true;
}

struct settings {
    struct integration *integration;
    int issue; /* -1: not given */
};

static char *read_list(sd_bus_message *message, GError **error)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    const char *text;
    int r = sd_bus_message_enter_container(message, 'a', "s");

    while (r >= 0 && (r = sd_bus_message_read(message, "s", &text)) > 0) {
        if (strchr(text, ';') != NULL || strchr(text, '\n') != NULL) {
            g_set_error(error, KT_ERROR, KT_INVALID, "\"%s\" is more than one value: pass a list", text);
            return NULL;
        }
        g_string_append_printf(joined, "%s%s", joined->len > 0 ? ";" : "", text);
    }
    if (r < 0 || sd_bus_message_exit_container(message) < 0) {
        garbled(error);
        return NULL;
    }
    return g_string_free(g_steal_pointer(&joined), FALSE);
}

static bool take_setting(sd_bus_message *message, const char *name, char type, void *userdata, GError **error)
{
    struct settings *settings = userdata;
    g_autofree char *joined = NULL;
    const char *text;

    if (strcmp(name, "Issue") == 0 && type == 'b')
        return sd_bus_message_read(message, "b", &settings->issue) >= 0 || garbled(error);
    if (type == 'a') {
        joined = read_list(message, error);
        return joined != NULL && integration_set(settings->integration, name, joined, error);
    }
    if (type != 's')
        return unknown(name, "the settings of the file, as strings or lists of strings, and Issue", error);
    if (sd_bus_message_read(message, "s", &text) < 0)
        return garbled(error);
    return integration_set(settings->integration, name, text, error);
}

bool settings_read(sd_bus_message *message, struct integration *integration, bool *ret_issue, GError **error)
{
    struct settings settings = {integration, -1};

    if (!read_dictionary(message, take_setting, &settings, error))
        return false;
    *ret_issue = settings.issue >= 0 ? settings.issue != 0 : integration->managed_by == MANAGED_BY_API;
    return true;
}

struct answer_settings {
    sd_bus_message *message;
    int r;
};

static int append_setting(sd_bus_message *message, const char *key, const char *value, bool is_list)
{
    g_auto(GStrv) texts = g_strsplit(value, ";", -1);
    int r;

    if (!is_list)
        return sd_bus_message_append(message, "{sv}", key, "s", value);
    r = sd_bus_message_open_container(message, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(message, "s", key);
    if (r >= 0)
        r = sd_bus_message_open_container(message, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(message, texts);
    if (r >= 0)
        r = sd_bus_message_close_container(message);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

static void append_each(const char *key, const char *value, bool is_list, void *userdata)
{
    struct answer_settings *answer = userdata;

    if (answer->r >= 0)
        answer->r = append_setting(answer->message, key, value, is_list);
}

int settings_append(sd_bus_message *message, const struct integration *integration)
{
    struct answer_settings answer = {message, sd_bus_message_open_container(message, 'a', "{sv}")};

    integration_each_setting(integration, append_each, &answer);
    return answer.r < 0 ? answer.r : sd_bus_message_close_container(message);
}

struct details {
    const char *id;
    usec_t created_at;
    bool wants_created_at;
};

static bool take_detail(sd_bus_message *message, const char *name, char type, void *userdata, GError **error)
{
    struct details *details = userdata;

    if (strcmp(name, "Id") == 0 && type == 's') {
        if (sd_bus_message_read(message, "s", &details->id) < 0)
            return garbled(error);
        if (*details->id == '\0' || (text_is_word(details->id, 128) && strchr(details->id, '/') == NULL))
            return true;
        g_set_error(error, KT_ERROR, KT_INVALID, "this is no id of a key: HueChat's start with key_");
        return false;
    }
    if (strcmp(name, "CreatedAt") == 0 && type == 't' && details->wants_created_at)
        return sd_bus_message_read(message, "t", &details->created_at) >= 0 || garbled(error);
    return unknown(name, details->wants_created_at ? "Id (s) or CreatedAt (t)" : "Id (s)", error);
}

bool details_read(sd_bus_message *message, const char **ret_id, usec_t *ret_created_at, GError **error)
{
    struct details details = {.wants_created_at = ret_created_at != NULL};

    if (!read_dictionary(message, take_detail, &details, error))
        return false;
    *ret_id = details.id != NULL && *details.id != '\0' ? details.id : NULL;
    if (ret_created_at != NULL)
        *ret_created_at = details.created_at;
    return true;
}

static bool take_option(sd_bus_message *message, const char *name, char type, void *userdata, GError **error)
{
    int *compromised = userdata;

    if (strcmp(name, "Compromised") == 0 && type == 'b')
        return sd_bus_message_read(message, "b", compromised) >= 0 || garbled(error);
    return unknown(name, "Compromised (b)", error);
}

bool options_read(sd_bus_message *message, bool *ret_compromised, GError **error)
{
    int compromised = 0;

    if (!read_dictionary(message, take_option, &compromised, error))
        return false;
    *ret_compromised = compromised != 0;
    return true;
}
