/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables: each column as wide as its widest text, the last one cut at the edge of the terminal. */
#pragma once

#include "client/output.h"

struct table *table_new(unsigned n_columns, const char *const *titles);
struct table *table_free(struct table *table);

/* Fills the next cell, row by row; takes the text over (g_free). */
void table_add(struct table *table, enum colour colour, char *text);

/* The table as text, its last column cut at `width` characters (0: never). The caller frees it (g_free). */
char *table_format(const struct table *table, unsigned width, bool colours);

/* Prints it to standard output, as wide as the terminal. */
void table_print(const struct table *table);

static inline void table_free_p(struct table **table)
{
    *table = table_free(*table);
}

#define _cleanup_table_ __attribute__((cleanup(table_free_p)))
