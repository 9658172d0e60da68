/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key file with what GKeyFile lacks: the line of each setting, and repeated sections and settings as
 * errors.
 */
#pragma once

#include <stddef.h>

#include <glib.h>

/* One setting, or the header of a section. */
struct keyfile_entry {
    char *group;
    char *key;   /* NULL: the header */
    char *value; /* as written, without the space around it */
    unsigned line;
};

struct keyfile {
    char *path;
    struct keyfile_entry *entries; /* in the file's order */
    size_t count;
};

/* KT_INVALID with "PATH:LINE: what is wrong: what to do". Values are not unescaped: a unit's name may hold a
 * backslash. path is for messages alone. */
struct keyfile *keyfile_parse(const char *path, const char *text, GError **error);

/* NULL is fine. Returns NULL. */
struct keyfile *keyfile_free(struct keyfile *keyfile);

/* The entry of a setting, or else of its section's header (also with key NULL), or NULL. */
const struct keyfile_entry *keyfile_find(const struct keyfile *keyfile, const char *group, const char *key);

/* Puts "PATH:LINE: " before an error about this entry (NULL: about the file), and a word about comments
 * behind it, if a '#' in the value may have been meant as one. */
void keyfile_place(const struct keyfile *keyfile, const struct keyfile_entry *entry, GError **error);

/* A value for an error text: on one line, shortened, and never a key. The caller frees it (g_free). */
char *keyfile_show(const char *value);

/* The items of "a; b;;a": without space around, none empty, none twice. The caller frees it (g_strfreev). */
char **keyfile_list(const char *value);

static inline void keyfile_free_p(struct keyfile **keyfile)
{
    *keyfile = keyfile_free(*keyfile);
}

#define _cleanup_keyfile_ __attribute__((cleanup(keyfile_free_p)))
