/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables, in a terminal or out of it. */
#include "client/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct cell {
    char *text;
    enum colour colour;
};

struct table {
    unsigned n_columns;
    GArray *cells; /* struct cell, the titles first */
};

static void cell_clear(void *cell)
{
    g_free(((struct cell *)cell)->text);
}

struct table *table_new(unsigned n_columns, const char *const *titles)
{
    struct table *table = g_new0(struct table, 1);

    table->n_columns = n_columns;
    table->cells = g_array_new(FALSE, FALSE, sizeof(struct cell));
    g_array_set_clear_func(table->cells, cell_clear);
    for (unsigned i = 0; i < n_columns; i++)
        table_add(table, COLOUR_TITLE, g_strdup(titles[i]));
    return table;
}

struct table *table_free(struct table *table)
{
    if (table)
        g_array_unref(table->cells);
    g_free(table);
    return NULL;
}

void table_add(struct table *table, enum colour colour, char *text)
{
    struct cell cell = {.text = text, .colour = colour};

    g_array_append_val(table->cells, cell);
}

static const struct cell *cell_at(const struct table *table, unsigned row, unsigned column)
{
    return &g_array_index(table->cells, struct cell, row * table->n_columns + column);
}

static unsigned text_width(const char *text)
{
    return (unsigned)g_utf8_strlen(text, -1);
}

static unsigned column_width(const struct table *table, unsigned n_rows, unsigned column)
{
    unsigned width = 0;

    for (unsigned row = 0; row < n_rows; row++)
        width = MAX(width, text_width(cell_at(table, row, column)->text));
    return width;
}

static void append_cell(GString *out, const struct cell *cell, unsigned width, bool colours)
{
    const char *on = colours ? colour_sequence(cell->colour) : "";
    unsigned have = text_width(cell->text);

    g_string_append_printf(out, "%s%s%s%*s", on, cell->text, *on ? COLOUR_RESET : "",
                           width > have ? (int)(width - have) : 0, "");
}

/* room: characters left on the line, 0: no limit. */
static void append_last(GString *out, const struct cell *cell, unsigned room, bool colours)
{
    struct cell cut = *cell;
    g_autofree char *start = NULL, *text = NULL;

    if (room > 1 && text_width(cell->text) > room) {
        start = g_utf8_substring(cell->text, 0, room - 1);
        cut.text = text = g_strconcat(start, "…", NULL);
    }
    append_cell(out, &cut, 0, colours);
}

char *table_format(const struct table *table, unsigned width, bool colours)
{
    unsigned n = table->n_columns, n_rows = table->cells->len / n, used = 0;
    g_autofree unsigned *widths = g_new0(unsigned, n);
    GString *out = g_string_new(NULL);

    for (unsigned column = 0; column + 1 < n; column++) {
        widths[column] = column_width(table, n_rows, column);
        used += widths[column] + 2;
    }
    for (unsigned row = 0; row < n_rows; row++) {
        for (unsigned column = 0; column + 1 < n; column++) {
            append_cell(out, cell_at(table, row, column), widths[column], colours);
            g_string_append(out, "  ");
        }
        append_last(out, cell_at(table, row, n - 1), width > used + 8 ? width - used : 0, colours);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static unsigned terminal_width(void)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size;

    if (!isatty(STDOUT_FILENO))
        return 0;
    if (columns && atoi(columns) > 0)
        return (unsigned)atoi(columns);
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 80;
}

void table_print(const struct table *table)
{
    g_autofree char *text = table_format(table, terminal_width(), output_has_colour());

    fputs(text, stdout);
}
