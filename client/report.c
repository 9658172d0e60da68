/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results of checks, a line each. */
#include "client/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "client/dict.h"
#include "client/output.h"
#include "daemon/util/text.h"

static const struct {
    const char *word;
    enum colour colour;
} levels[] = {
    [LEVEL_OK] = {"ok", COLOUR_GREEN},
    [LEVEL_WARN] = {"warn", COLOUR_YELLOW},
    [LEVEL_FAIL] = {"fail", COLOUR_RED},
};

static void print_json(enum level level, const char *subject, const char *way_out, const char *text)
{
    g_autoptr(json_object) line = json_object_new_object();

    json_object_object_add(line, "level", json_object_new_string(levels[level].word));
    json_object_object_add(line, "subject", json_object_new_string(subject));
    json_object_object_add(line, "message", json_object_new_string(text));
    json_object_object_add(line, "way_out", way_out ? json_object_new_string(way_out) : NULL);
    output_json_line(line);
}

static void print_text(enum level level, const char *subject, const char *way_out, const char *text)
{
    printf("%s%-4s%s %s%s%s: %s%s%s\n", colour_on(levels[level].colour), levels[level].word,
           colour_off(levels[level].colour), colour_on(COLOUR_BOLD), subject, colour_off(COLOUR_BOLD), text,
           way_out ? ": " : "", way_out ? way_out : "");
}

/* A file's name, for one, may hold anything. */
void report_add(struct report *report, enum level level, const char *subject, const char *way_out,
                const char *format, ...)
{
    g_autofree char *text = NULL, *shown = NULL, *shown_subject = text_printable(subject, TEXT_MESSAGE_MAX),
                    *shown_way_out = text_printable(way_out, TEXT_MESSAGE_MAX);
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    shown = text_printable(text, TEXT_MESSAGE_MAX);
    report->n[level]++;
    (report->json ? print_json : print_text)(level, shown_subject, shown_way_out, shown);
}
