/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One JSON object being read, field by field. Pure. */
#include "daemon/helpers/huechat/reader.h"

#include <limits.h>
#include <string.h>

#include <glib.h>

#include "daemon/helpers/huechat/times.h"
#include "daemon/util/text.h"

#define DEPTH_MAX 16

struct reader reader_of(json_object *object)
{
    return (struct reader){.object = object, .failed = !object};
}

json_object *reader_parse(const char *text, size_t length)
{
    struct json_tokener *tokener;
    json_object *object;

    if (length > INT_MAX)
        return NULL;
    tokener = json_tokener_new_ex(DEPTH_MAX);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    object = json_tokener_parse_ex(tokener, text, (int)length);
    if (json_tokener_get_error(tokener) != json_tokener_success ||
        json_tokener_get_parse_end(tokener) != length || !json_object_is_type(object, json_type_object)) {
        json_object_put(object);
        object = NULL;
    }
    json_tokener_free(tokener);
    return object;
}

void reader_fail(struct reader *reader, const char *field)
{
    if (!reader->failed)
        reader->why = field;
    reader->failed = true;
}

bool reader_has(struct reader *reader, const char *field)
{
    return !reader->failed && json_object_object_get(reader->object, field);
}

json_object *reader_get(struct reader *reader, const char *field, enum json_type type)
{
    json_object *value;

    if (reader->failed)
        return NULL;
    if (json_object_object_get_ex(reader->object, field, &value) && json_object_is_type(value, type))
        return value;
    reader_fail(reader, field);
    return NULL;
}

/* The bytes of a string, NULL if it is none or has a NUL. */
static const char *bytes_of(json_object *value)
{
    const char *text;

    if (!json_object_is_type(value, json_type_string))
        return NULL;
    text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

const char *reader_text(struct reader *reader, const char *field, size_t max)
{
    const char *text = bytes_of(reader_get(reader, field, json_type_string));

    if (text && strlen(text) <= max)
        return text;
    reader_fail(reader, field);
    return "";
}

const char *reader_word(struct reader *reader, const char *field, size_t max)
{
    const char *text = bytes_of(reader_get(reader, field, json_type_string));

    if (text && text_is_word(text, max))
        return text;
    reader_fail(reader, field);
    return "";
}

const char *reader_choice(struct reader *reader, const char *field, const char *const *choices)
{
    const char *text = reader_word(reader, field, READER_WORD_MAX);

    if (g_strv_contains(choices, text))
        return text;
    reader_fail(reader, field);
    return "";
}

uint64_t reader_count(struct reader *reader, const char *field)
{
    json_object *value = reader_get(reader, field, json_type_int);
    int64_t count = value ? json_object_get_int64(value) : 0;

    if (count >= 0)
        return (uint64_t)count;
    reader_fail(reader, field);
    return 0;
}

char **reader_words(struct reader *reader, const char *field, size_t max)
{
    json_object *list = reader_get(reader, field, json_type_array);
    size_t count = list ? json_object_array_length(list) : 0;
    GPtrArray *words = g_ptr_array_new();

    if (count > max)
        reader_fail(reader, field);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        const char *word = bytes_of(json_object_array_get_idx(list, i));

        if (word && text_is_word(word, READER_WORD_MAX))
            g_ptr_array_add(words, g_strdup(word));
        else
            reader_fail(reader, field);
    }
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

usec_t reader_time(struct reader *reader, const char *field)
{
    usec_t when = 0;

    if (reader_has(reader, field) && times_parse_iso(reader_word(reader, field, READER_WORD_MAX), &when) < 0)
        reader_fail(reader, field);
    return when;
}
