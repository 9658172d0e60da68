/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines are counted here, values are read by GKeyFile. Text comes in and goes out; no file is touched. */
#include "daemon/core/keyfile.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/core/environment.h"
#include "daemon/core/errors.h"

#define SHOWN_MAX 64 /* characters of a value in an error text */

static void entry_clear(void *data)
{
    struct keyfile_entry *entry = data;

    g_free(entry->group);
    g_free(entry->key);
    g_free(entry->value);
}

struct keyfile *keyfile_free(struct keyfile *keyfile)
{
    if (keyfile == NULL)
        return NULL;
    for (size_t i = 0; i < keyfile->count; i++)
        entry_clear(&keyfile->entries[i]);
    g_free(keyfile->entries);
    g_free(keyfile->path);
    g_free(keyfile);
    return NULL;
}

static const struct keyfile_entry *find_exactly(const struct keyfile_entry *entries, size_t count,
                                                const char *group, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(entries[i].group, group) == 0 && g_strcmp0(entries[i].key, key) == 0)
            return &entries[i];
    return NULL;
}

const struct keyfile_entry *keyfile_find(const struct keyfile *keyfile, const char *group, const char *key)
{
    const struct keyfile_entry *entry = find_exactly(keyfile->entries, keyfile->count, group, key);

    return entry != NULL ? entry : find_exactly(keyfile->entries, keyfile->count, group, NULL);
}

#define NAME_CHARS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_. " /* all of them fine with GKeyFile */

/* "[API live]" gives "API live"; NULL: no header. */
static char *header_group(const char *line)
{
    size_t length = strspn(line + 1, NAME_CHARS);

    return length > 0 && strcmp(line + 1 + length, "]") == 0 ? g_strndup(line + 1, length) : NULL;
}

/* "Key = value" gives "Key"; NULL: no setting. */
static char *setting_key(const char *line)
{
    size_t length = strspn(line, NAME_CHARS);

    return length > 0 && line[length] == '=' ? g_strchomp(g_strndup(line, length)) : NULL;
}

static bool fail_line(GError **error, const char *path, unsigned line, const char *problem)
{
    g_set_error(error, KT_ERROR, KT_INVALID, "%s:%u: %s", path, line, problem);
    return false;
}

/* Names are shown in messages. */
static bool holds_key(const char *name)
{
    bool holds = false;

    for (int i = 0; name != NULL && i < ENVIRONMENT_COUNT; i++)
        holds |= strstr(name, environment_prefix((enum environment)i)) != NULL;
    return holds;
}

/* Takes one line in, its space around stripped. */
static bool take_line(GArray *entries, const char *path, unsigned number, const char *line, GError **error)
{
    struct keyfile_entry entry = {.line = number};
    const struct keyfile_entry *last, *first;
    g_autofree char *problem = NULL;

    last = entries->len > 0 ? &g_array_index(entries, struct keyfile_entry, entries->len - 1) : NULL;
    if (*line == '[')
        entry.group = header_group(line);
    else if (last == NULL)
        return fail_line(error, path, number, "a setting before any section: begin with a line [Section]");
    else if ((entry.key = setting_key(line)) != NULL)
        entry.group = g_strdup(last->group);
    if (entry.group == NULL)
        return fail_line(error, path, number, "neither Setting=value nor [Section]: begin a comment with #");

    if (holds_key(entry.group) || holds_key(entry.key)) {
        entry_clear(&entry);
        return fail_line(error, path, number,
                         "a key where a name belongs: no key is kept in a file, take it out");
    }
    first = find_exactly((struct keyfile_entry *)entries->data, entries->len, entry.group, entry.key);
    if (first != NULL)
        problem = g_strdup_printf("%s is in line %u already: keep one of the two",
                                  entry.key != NULL ? entry.key : line, first->line);
    if (first == NULL)
        g_array_append_val(entries, entry);
    else
        entry_clear(&entry);
    return problem == NULL || fail_line(error, path, number, problem);
}

/* GKeyFile takes other blanks for blanks than we do, and terminals obey some. */
static bool has_control(const char *line)
{
    for (; *line != '\0'; line = g_utf8_next_char(line))
        if (g_unichar_iscntrl(g_utf8_get_char(line)) && *line != '\t' && strcmp(line, "\r") != 0)
            return true;
    return false;
}

static bool take_lines(GArray *entries, const char *path, const char *text, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (unsigned i = 0; lines[i] != NULL; i++) {
        if (!g_utf8_validate(lines[i], -1, NULL))
            return fail_line(error, path, i + 1, "not UTF-8: save the file in that encoding");
        if (has_control(lines[i]))
            return fail_line(error, path, i + 1, "a control character: take it out");
        g_strstrip(lines[i]);
        if (*lines[i] != '\0' && *lines[i] != '#' && !take_line(entries, path, i + 1, lines[i], error))
            return false;
    }
    return true;
}

static bool read_values(GArray *entries, const char *path, const char *text, GError **error)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GError) problem = NULL;
    bool read = g_key_file_load_from_data(file, text, (gsize)-1, G_KEY_FILE_NONE, &problem);

    for (unsigned i = 0; read && i < entries->len; i++) {
        struct keyfile_entry *entry = &g_array_index(entries, struct keyfile_entry, i);

        if (entry->key != NULL) {
            entry->value = g_key_file_get_value(file, entry->group, entry->key, &problem);
            read = entry->value != NULL;
        }
        if (entry->value != NULL)
            g_strstrip(entry->value);
    }
    if (!read) {
        g_autofree char *shown = keyfile_show(problem->message);
        g_set_error(error, KT_ERROR, KT_INVALID, "%s: not a key file: %s", path, shown);
    }
    return read;
}

struct keyfile *keyfile_parse(const char *path, const char *text, GError **error)
{
    g_autoptr(GArray) entries = g_array_new(FALSE, FALSE, sizeof(struct keyfile_entry));
    struct keyfile *keyfile;

    g_array_set_clear_func(entries, entry_clear);
    if (!take_lines(entries, path, text, error) || !read_values(entries, path, text, error))
        return NULL;
    keyfile = g_new(struct keyfile, 1);
    keyfile->path = g_strdup(path);
    keyfile->entries = g_array_steal(entries, &keyfile->count);
    return keyfile;
}

void keyfile_place(const struct keyfile *keyfile, const struct keyfile_entry *entry, GError **error)
{
    g_prefix_error(error, "%s:%u: ", keyfile->path, entry != NULL ? entry->line : 1);
    if (error != NULL && *error != NULL && entry != NULL && entry->value != NULL &&
        strchr(entry->value, '#') != NULL) {
        g_autofree char *message = (*error)->message;
        (*error)->message = g_strconcat(message, " (comments stand on lines of their own)", NULL);
    }
}

char *keyfile_show(const char *value)
{
    g_autofree char *escaped = g_strescape(value, NULL);

    if (holds_key(value))
        return g_strdup("(a key)");
    return g_strdup_printf("\"%.*s%s\"", SHOWN_MAX, escaped, strlen(escaped) > SHOWN_MAX ? "..." : "");
}

char **keyfile_list(const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, ";", -1);
    g_autoptr(GStrvBuilder) items = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (char **part = parts; *part != NULL; part++)
        if (*g_strstrip(*part) != '\0' && g_hash_table_add(seen, *part))
            g_strv_builder_add(items, *part);
    return g_strv_builder_end(items);
}
