/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a stranger, made fit to be shown and logged. Pure. */
#include "daemon/helpers/huechat/line.h"

#include <string.h>

#define MASK "***"

/* What every key of HueChat's begins with, in any case of letters. */
static const char *const prefixes[] = {"sk_live_", "sk_test_"};

bool line_is_word(const char *text, size_t max)
{
    size_t length = 0;

    for (; text[length]; length++)
        if (!g_ascii_isgraph(text[length]) || length == max)
            return false;
    return length > 0;
}

static bool is_of_key(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/* How many bytes from here on are a key: 0, if none begins here. */
static size_t key_length(const char *text, const char *key)
{
    size_t length = strlen(key);

    if (length > 0 && strncmp(text, key, length) == 0)
        return length;
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        length = strlen(prefixes[i]);
        if (g_ascii_strncasecmp(text, prefixes[i], length) != 0)
            continue;
        while (is_of_key(text[length]))
            length++;
        return length;
    }
    return 0;
}

bool line_shows_key(const char *text, const char *key)
{
    for (; *text; text++)
        if (key_length(text, key) > 0)
            return true;
    return false;
}

static char *mask_keys(const char *text, const char *key)
{
    GString *masked = g_string_new(NULL);

    while (*text) {
        size_t length = key_length(text, key);

        if (length > 0)
            g_string_append(masked, MASK);
        else
            g_string_append_c(masked, *text);
        text += MAX(length, 1);
    }
    return g_string_free(masked, FALSE);
}

bool line_can_show(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

bool line_is_name(const char *text, size_t max)
{
    if (!*text || strlen(text) > max || !g_utf8_validate(text, -1, NULL))
        return false;
    for (; *text; text = g_utf8_next_char(text))
        if (!line_can_show(g_utf8_get_char(text)))
            return false;
    return true;
}

char *line_of(const char *text, const char *key)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1), *masked = mask_keys(valid, key);
    GString *line = g_string_new(NULL);
    glong length = 0;

    for (const char *c = masked; *c && length < LINE_CHARS_MAX; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);
        bool space = !line_can_show(u) || g_unichar_isspace(u);

        if (space && (line->len == 0 || line->str[line->len - 1] == ' '))
            continue;
        g_string_append_unichar(line, space ? ' ' : u);
        length++;
    }
    explicit_bzero(valid, strlen(valid));
    return g_strchomp(g_string_free(line, FALSE));
}
