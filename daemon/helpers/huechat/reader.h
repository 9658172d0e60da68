/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One JSON object being read, field by field. The first one that does not fit is remembered; from then on
 * every getter answers with something empty, so that a caller looks once, at the end. Pure; knows no
 * document. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json.h>

#include "daemon/util/clock.h"

#define READER_WORD_MAX 64

struct reader {
    json_object *object; /* borrowed */
    bool failed;
    const char *why; /* the field that does not fit, static; NULL: the text is no JSON object */
};

/* The object that the text is, of limited depth; NULL if it is anything else. For json_object_put(). */
json_object *reader_parse(const char *text, size_t length);

/* A reader of that object, or one that has failed for NULL. */
struct reader reader_of(json_object *object);

void reader_fail(struct reader *reader, const char *field);

/* Whether the field is there and not null. */
bool reader_has(struct reader *reader, const char *field);

/* The field, if it is of this type; borrowed. Otherwise it fails. */
json_object *reader_get(struct reader *reader, const char *field, enum json_type type);

/* A string without NUL of at most max bytes; a printable word of at most max; one of the choices. Borrowed.
 */
const char *reader_text(struct reader *reader, const char *field, size_t max);
const char *reader_word(struct reader *reader, const char *field, size_t max);
const char *reader_choice(struct reader *reader, const char *field, const char *const *choices);

/* A number that is whole and not negative. */
uint64_t reader_count(struct reader *reader, const char *field);

/* An array of at most max words, for g_strfreev(). */
char **reader_words(struct reader *reader, const char *field, size_t max);

/* An ISO time, or 0 if it is null or isn't there. */
usec_t reader_time(struct reader *reader, const char *field);

static inline void reader_put_p(json_object **object)
{
    json_object_put(*object);
}

#define _cleanup_json_ __attribute__((cleanup(reader_put_p)))
