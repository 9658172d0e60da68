/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An a{sv} of the bus as a json object. Only the types that keyturn's interfaces use are known. */
#include "client/dict.h"

#include "client/when.h"
#include "daemon/util/text.h"

#include <errno.h>
#include <string.h>

json_object *dict_new_text(const char *text)
{
    g_autofree char *shown = text_printable(text, TEXT_MESSAGE_MAX);

    return json_object_new_string(shown);
}

static int read_texts(sd_bus_message *m, json_object *array)
{
    const char *text;
    int r;

    r = sd_bus_message_enter_container(m, 'a', "s");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(m, 's', &text)) > 0)
        json_object_array_add(array, dict_new_text(text));
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_basic(sd_bus_message *m, char type, json_object **ret_value)
{
    union {
        const char *text;
        guint64 number;
        guint32 number32;
        int flag;
    } value;
    int r = sd_bus_message_read_basic(m, type, &value);

    if (r < 0)
        return r;
    if (type == 't')
        *ret_value = json_object_new_uint64(value.number);
    else if (type == 'u')
        *ret_value = json_object_new_uint64(value.number32);
    else if (type == 'b')
        *ret_value = json_object_new_boolean(value.flag);
    else
        *ret_value = dict_new_text(value.text);
    return 0;
}

/* NULL: a type that keyturn did not have when this was built, skipped. */
static int read_value(sd_bus_message *m, json_object **ret_value)
{
    const char *contents;
    int r = sd_bus_message_peek_type(m, NULL, &contents);

    if (r < 0)
        return r;
    *ret_value = NULL;
    if (strcmp(contents, "as") != 0 && (strlen(contents) != 1 || !strchr("tubso", *contents)))
        return sd_bus_message_skip(m, "v");
    r = sd_bus_message_enter_container(m, 'v', contents);
    if (r < 0)
        return r;
    if (strcmp(contents, "as") == 0) {
        *ret_value = json_object_new_array();
        r = read_texts(m, *ret_value);
    } else {
        r = read_basic(m, *contents, ret_value);
    }
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_entry(sd_bus_message *m, json_object *dict)
{
    json_object *value = NULL;
    const char *key;
    int r;

    r = sd_bus_message_read_basic(m, 's', &key);
    if (r >= 0)
        r = read_value(m, &value);
    if (value)
        json_object_object_add(dict, key, value);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

int dict_read(sd_bus_message *m, json_object **ret_dict)
{
    g_autoptr(json_object) dict = json_object_new_object();
    int r = sd_bus_message_enter_container(m, 'a', "{sv}");

    if (r <= 0)
        return r;
    while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = read_entry(m, dict);
        if (r < 0)
            return r;
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    *ret_dict = g_steal_pointer(&dict);
    return 1;
}

int dict_read_array(sd_bus_message *m, json_object **ret_array)
{
    g_autoptr(json_object) array = json_object_new_array();
    json_object *dict;
    int r = sd_bus_message_enter_container(m, 'a', "a{sv}");

    if (r < 0)
        return r;
    while ((r = dict_read(m, &dict)) > 0)
        json_object_array_add(array, dict);
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    *ret_array = g_steal_pointer(&array);
    return 0;
}

const char *dict_text(json_object *dict, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(dict, key, &value) && value ? json_object_get_string(value) : "";
}

guint64 dict_number(json_object *dict, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(dict, key, &value) ? json_object_get_uint64(value) : 0;
}

bool dict_flag(json_object *dict, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(dict, key, &value) && json_object_get_boolean(value);
}

bool dict_is_null(json_object *dict, const char *key)
{
    json_object *value;

    return json_object_object_get_ex(dict, key, &value) && !value;
}

char *dict_join(json_object *dict, const char *key, const char *separator)
{
    GString *text = g_string_new(NULL);
    json_object *array;
    bool is_array =
        json_object_object_get_ex(dict, key, &array) && json_object_is_type(array, json_type_array);
    size_t n = is_array ? json_object_array_length(array) : 0;

    for (size_t i = 0; i < n; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? separator : "",
                               json_object_get_string(json_object_array_get_idx(array, i)));
    return g_string_free(text, FALSE);
}

/* LastUsedAt -> last_used_at, BaseURL -> base_url */
static char *snake_case(const char *name)
{
    GString *text = g_string_new(NULL);

    for (const char *c = name; *c; c++) {
        if (c > name && g_ascii_isupper(*c) && !g_ascii_isupper(c[-1]))
            g_string_append_c(text, '_');
        g_string_append_c(text, g_ascii_tolower(*c));
    }
    return g_string_free(text, FALSE);
}

static bool is_time(const char *name)
{
    return strcmp(name, "Time") == 0 || g_str_has_suffix(name, "At");
}

static bool is_span(const char *name)
{
    return strcmp(name, "RotateAfter") == 0 || strcmp(name, "Overlap") == 0;
}

json_object *dict_to_output(json_object *dict)
{
    json_object *output = json_object_new_object();

    json_object_object_foreach(dict, name, value)
    {
        g_autofree char *key = snake_case(name);

        if (is_time(name)) {
            g_autofree char *iso = when_iso(json_object_get_uint64(value));
            json_object_object_add(output, key, iso ? json_object_new_string(iso) : NULL);
        } else if (is_span(name)) {
            guint64 span = json_object_get_uint64(value);
            g_autofree char *longer = g_strconcat(key, "_seconds", NULL);
            json_object_object_add(
                output, longer, span == G_MAXUINT64 ? NULL : json_object_new_uint64(span / G_USEC_PER_SEC));
        } else {
            json_object_object_add(output, key, json_object_get(value));
        }
    }
    return output;
}

json_object *dicts_to_output(json_object *array)
{
    json_object *output = json_object_new_array();

    for (size_t i = 0; i < json_object_array_length(array); i++)
        json_object_array_add(output, dict_to_output(json_object_array_get_idx(array, i)));
    return output;
}
