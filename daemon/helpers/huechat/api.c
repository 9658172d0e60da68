/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the vendor's API is and how it is spoken to. Touches messages, no network. */
#include "daemon/helpers/huechat/api.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <glib.h>

#include "daemon/util/text.h"
#include "dbus/names.h"

#define URL_MAX 1024
#define TIMEOUT_MAX USEC_PER_HOUR

static bool is_base_url(const char *text)
{
    size_t scheme = g_str_has_prefix(text, "https://") ? 8 : g_str_has_prefix(text, "http://") ? 7 : 0;
    size_t host = strcspn(text + scheme, "/");

    return scheme > 0 && host > 0 && !memchr(text + scheme, '@', host) && text_is_word(text, URL_MAX) &&
           !strpbrk(text, "?#\\") && !g_str_has_suffix(text, "/");
}

static bool is_header(const char *text)
{
    return strcmp(text, "X-API-Key") == 0 || strcmp(text, "Authorization") == 0;
}

static bool is_probe_path(const char *text)
{
    return text_is_word(text, URL_MAX) && text[0] == '/' && !strchr(text, '#');
}

static bool is_keys_path(const char *text)
{
    return is_probe_path(text) && !strchr(text, '?') && !g_str_has_suffix(text, "/");
}

static bool is_ca_file(const char *text)
{
    return !*text || text[0] == '/';
}

static bool is_proxy(const char *text)
{
    return !*text || text_is_word(text, URL_MAX);
}

static const struct {
    const char *name;
    size_t offset;
    bool (*is_sound)(const char *text);
} texts[] = {
    {"BaseURL", offsetof(struct api, base_url), is_base_url},
    {"Header", offsetof(struct api, key_header), is_header},
    {"KeysPath", offsetof(struct api, keys_path), is_keys_path},
    {"ProbePath", offsetof(struct api, probe_path), is_probe_path},
    {"CAFile", offsetof(struct api, ca_file), is_ca_file},
    {"Proxy", offsetof(struct api, proxy), is_proxy},
};

static const char **text_of(struct api *api, size_t i)
{
    return (const char **)((char *)api + texts[i].offset);
}

static int read_member(sd_bus_message *m, struct api *api)
{
    const char *name;
    int r = sd_bus_message_read(m, "s", &name);

    if (r < 0)
        return r;
    if (strcmp(name, "Timeout") == 0)
        return sd_bus_message_read(m, "v", "t", &api->timeout);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (strcmp(name, texts[i].name) == 0)
            return sd_bus_message_read(m, "v", "s", text_of(api, i));
    return sd_bus_message_skip(m, "v");
}

static int read_members(sd_bus_message *m, struct api *api)
{
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = read_member(m, api);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

int api_read(sd_bus_message *m, struct api *ret, sd_bus_error *ret_error)
{
    struct api api = {.ca_file = "", .proxy = ""};

    if (read_members(m, &api) < 0)
        return sd_bus_error_set(ret_error, KT_ERROR_INVALID_ARGS, "A member of api is of a wrong type");
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *text = *text_of(&api, i);

        if (!text || !texts[i].is_sound(text))
            return sd_bus_error_setf(ret_error, KT_ERROR_INVALID_ARGS,
                                     "%s of api is missing or makes no sense", texts[i].name);
    }
    if (api.timeout == 0 || api.timeout > TIMEOUT_MAX)
        return sd_bus_error_set(ret_error, KT_ERROR_INVALID_ARGS,
                                "Timeout of api is more than 0 and 1 h at most");
    *ret = api;
    return 0;
}

char *api_keys_url(const struct api *api)
{
    return g_strconcat(api->base_url, api->keys_path, NULL);
}

char *api_page_url(const struct api *api, unsigned limit, unsigned offset)
{
    return g_strdup_printf("%s%s?limit=%u&offset=%u", api->base_url, api->keys_path, limit, offset);
}

char *api_key_url(const struct api *api, const char *id)
{
    g_autofree char *segment = g_uri_escape_string(id, NULL, FALSE);

    return g_strconcat(api->base_url, api->keys_path, "/", segment, NULL);
}

char *api_probe_url(const struct api *api)
{
    return g_strconcat(api->base_url, api->probe_path, NULL);
}
