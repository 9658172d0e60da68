/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results of checks, a line each: how bad, of what, what is so, and the way out. */
#pragma once

#include <stdbool.h>

#include <glib.h>

enum level {
    LEVEL_OK,
    LEVEL_WARN, /* works, but should not stay so */
    LEVEL_FAIL, /* has to be mended */
};

struct report {
    bool json;
    unsigned n[LEVEL_FAIL + 1]; /* lines of each level */
};

/* Prints a line. way_out is a half-sentence that says what to do; NULL: nothing. */
void report_add(struct report *report, enum level level, const char *subject, const char *way_out,
                const char *format, ...) G_GNUC_PRINTF(5, 6);
