/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short hands for json-c; nothing here knows what the JSON is about. */
#include "sandbox/json.h"

json_object *json_parse(const char *text, size_t size)
{
    struct json_tokener *tokener;
    json_object *value;

    if (size > INT_MAX)
        return NULL;
    tokener = json_tokener_new();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    value = json_tokener_parse_ex(tokener, text, (int)size);
    if (json_tokener_get_error(tokener) == json_tokener_continue) /* a bare number may go on */
        value = json_tokener_parse_ex(tokener, "", 1);
    if (json_tokener_get_error(tokener) != json_tokener_success) {
        json_object_put(value);
        value = NULL;
    }
    json_tokener_free(tokener);
    return value;
}

const char *json_text_of(json_object *object, const char *member)
{
    json_object *value;

    if (!json_object_object_get_ex(object, member, &value) || !json_object_is_type(value, json_type_string))
        return NULL;
    return json_object_get_string(value);
}

gint64 json_number_of(json_object *object, const char *member, gint64 fallback)
{
    json_object *value;

    if (!json_object_object_get_ex(object, member, &value) || !json_object_is_type(value, json_type_int))
        return fallback;
    return json_object_get_int64(value);
}

void json_add_text(json_object *object, const char *member, const char *value)
{
    json_object_object_add(object, member, value != NULL ? json_object_new_string(value) : NULL);
}

void json_add_time(json_object *object, const char *member, usec_t when)
{
    g_autofree char *text = when > 0 ? clock_format(when) : NULL;

    json_add_text(object, member, text);
}

char **json_strv(json_object *array)
{
    g_autoptr(GStrvBuilder) texts = g_strv_builder_new();

    if (!json_object_is_type(array, json_type_array))
        return NULL;
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        json_object *text = json_object_array_get_idx(array, i);

        if (!json_object_is_type(text, json_type_string))
            return NULL;
        g_strv_builder_add(texts, json_object_get_string(text));
    }
    return g_strv_builder_end(texts);
}

json_object *json_new_strv(char *const *texts)
{
    json_object *array = json_object_new_array();

    for (; texts != NULL && *texts != NULL; texts++)
        json_object_array_add(array, json_object_new_string(*texts));
    return array;
}
