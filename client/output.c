/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Colours, bars and JSON on standard output. */
#include "client/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool output_has_colour(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term && strcmp(term, "dumb") != 0;
}

const char *colour_sequence(enum colour colour)
{
    switch (colour) {
    case COLOUR_NONE:
        return "";
    case COLOUR_BOLD:
        return "\033[1m";
    case COLOUR_DIM:
        return "\033[2m";
    case COLOUR_GREEN:
        return "\033[32m";
    case COLOUR_YELLOW:
        return "\033[33m";
    case COLOUR_RED:
        return "\033[1;31m";
    case COLOUR_TITLE:
        return "\033[4m";
    }
    return "";
}

const char *colour_on(enum colour colour)
{
    return output_has_colour() ? colour_sequence(colour) : "";
}

const char *colour_off(enum colour colour)
{
    return colour != COLOUR_NONE && output_has_colour() ? COLOUR_RESET : "";
}

/* Eighths of a character, from a thin line to a full block. */
static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

char *bar_new(guint64 part, guint64 whole, unsigned width, bool utf8)
{
    double share = whole > 0 ? MIN((double)part / (double)whole, 1.0) : 0.0;
    unsigned parts = utf8 ? 8 : 1, filled = (unsigned)(share * width * parts);
    GString *bar = g_string_new(NULL);

    for (unsigned i = 0; i < filled / parts; i++)
        g_string_append(bar, utf8 ? "█" : "#");
    if (filled % parts > 0)
        g_string_append(bar, eighths[filled % parts]);
    for (unsigned i = (filled + parts - 1) / parts; i < width; i++)
        g_string_append(bar, utf8 ? "░" : "-");
    return g_string_free(bar, FALSE);
}

char *output_quote(const char *word)
{
    bool is_plain =
        *word && strspn(word, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "/._-:@%+,") == strlen(word);

    return is_plain ? g_strdup(word) : g_shell_quote(word);
}

void output_json(json_object *object)
{
    printf("%s\n", json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
}

void output_json_line(json_object *object)
{
    printf("%s\n",
           json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    fflush(stdout);
}

void output_done(bool json, const char *name, const char *done)
{
    json_object *object;

    if (!json) {
        printf("%s: %s.\n", name, done);
        return;
    }
    object = json_object_new_object();
    json_object_object_add(object, "name", json_object_new_string(name));
    output_json(object);
    json_object_put(object);
}
