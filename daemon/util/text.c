/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a stranger, made fit for a bus, a log and a terminal. Pure. */
#include "daemon/util/text.h"

#include <string.h>

#define MASK "***"
#define MORE "\xe2\x80\xa6" /* one character */
#define SLUG_MAX 64
#define ESCAPE_CHARS 4 /* of "\xNN" */

/* What every key of HueChat's begins with, in any case of letters. */
static const char *const prefixes[] = {"sk_live_", "sk_test_"};

bool text_can_show(gunichar c)
{
    GUnicodeType type = g_unichar_type(c);

    return g_unichar_isprint(c) && type != G_UNICODE_LINE_SEPARATOR && type != G_UNICODE_PARAGRAPH_SEPARATOR;
}

/* The bytes of the character that begins here, or 1 where none does. */
static size_t next_length(const char *text, bool *ret_can_show)
{
    gunichar c = g_utf8_get_char_validated(text, -1);
    bool is_valid = c != (gunichar)-1 && c != (gunichar)-2;

    *ret_can_show = is_valid && text_can_show(c);
    return is_valid ? (size_t)g_utf8_skip[(guchar)*text] : 1;
}

bool text_is_printable(const char *text)
{
    bool can_show = true;

    while (*text != '\0' && can_show)
        text += next_length(text, &can_show);
    return can_show;
}

bool text_is_name(const char *text, size_t max)
{
    return *text != '\0' && strlen(text) <= max && text_is_printable(text);
}

bool text_is_word(const char *text, size_t max)
{
    size_t length = 0;

    for (; text[length]; length++)
        if (!g_ascii_isgraph(text[length]) || length == max)
            return false;
    return length > 0;
}

bool text_is_slug(const char *text)
{
    size_t length = strlen(text);

    return length >= 1 && length <= SLUG_MAX && g_ascii_isalnum(*text) &&
           strspn(text, G_CSET_a_2_z G_CSET_DIGITS "._-") == length;
}

static void append(GString *out, const char *text, size_t length, bool can_show)
{
    if (can_show)
        g_string_append_len(out, text, (gssize)length);
    for (size_t i = 0; !can_show && i < length; i++)
        g_string_append_printf(out, "\\x%02x", (guchar)text[i]);
}

char *text_printable(const char *text, size_t max)
{
    GString *out;
    size_t chars = 0, length, cut = 0; /* cut: where MORE would still have its place */
    bool can_show;

    if (text == NULL)
        return NULL;
    out = g_string_new(NULL);
    for (; *text != '\0'; text += length) {
        length = next_length(text, &can_show);
        chars += can_show ? 1 : ESCAPE_CHARS * length;
        if (chars > max) {
            g_string_append(g_string_truncate(out, cut), max > 0 ? MORE : "");
            break;
        }
        append(out, text, length, can_show);
        if (chars < max)
            cut = out->len;
    }
    return g_string_free(out, FALSE);
}

static bool is_of_key(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/* How many bytes from here on are a key: 0, if none begins here. */
static size_t key_length(const char *text, const char *key)
{
    size_t length = key != NULL ? strlen(key) : 0;

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

bool text_shows_key(const char *text, const char *key)
{
    for (; *text; text++)
        if (key_length(text, key) > 0)
            return true;
    return false;
}

/* Keys masked, and space of any kind one blank. */
static char *fold(const char *text, const char *key)
{
    GString *folded = g_string_new(NULL);

    while (*text) {
        size_t length = key_length(text, key);
        bool is_space = g_ascii_isspace(*text);

        if (length > 0)
            g_string_append(folded, MASK);
        else if (!is_space)
            g_string_append_c(folded, *text);
        else if (folded->len > 0 && folded->str[folded->len - 1] != ' ')
            g_string_append_c(folded, ' ');
        text += MAX(length, 1);
    }
    return g_strchomp(g_string_free(folded, FALSE));
}

/* Folded again: an escape and what follows it may look like the key. */
char *text_line(const char *text, const char *key)
{
    g_autofree char *folded = text != NULL ? fold(text, key) : NULL;
    g_autofree char *line = text_printable(folded, TEXT_LINE_MAX);

    return line != NULL ? fold(line, key) : NULL;
}
