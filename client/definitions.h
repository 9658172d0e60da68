/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folder of integrations' files that this command may change: the user's own, or root's. Nothing is
 * opened, read or written by way of a link, nor in a folder that somebody else can change. */
#pragma once

#include <stdbool.h>

#include <glib.h>

struct definitions {
    int fd;
    char *path; /* for people, and for the editor */
};

#define DEFINITIONS_NONE ((struct definitions){.fd = -1})

/* Opens it; where it isn't there nothing is in it. In system mode that takes root. Returns 0, or -1 with
 * error set. */
int definitions_open(bool system, struct definitions *ret, GError **error);
void definitions_clear(struct definitions *definitions);

/* "NAME.conf", or -1 with error set: no integration can be called so. The caller frees it (g_free). */
char *definitions_file(const char *name, GError **error);

/* Whether something of that name is there. */
bool definitions_has(const struct definitions *definitions, const char *file);

/* The text of a regular file of ours; NULL where there is none. The caller frees it (g_free). Returns 0, or
 * -1. */
int definitions_read(const struct definitions *definitions, const char *file, char **ret_text,
                     GError **error);

/* Makes it or replaces it; or with `only_new` fails where it is there already. At any moment the old text or
 * the new one is there, also on disk. Returns 0, or -1 with error set. */
int definitions_write(const struct definitions *definitions, const char *file, const char *text,
                      bool only_new, GError **error);

/* Renames it, over nothing. Returns 0, or -1 with error set. */
int definitions_rename(const struct definitions *definitions, const char *from, const char *to,
                       GError **error);

/* What isn't there is deleted already. Returns 0, or -1 with error set. */
int definitions_delete(const struct definitions *definitions, const char *file, GError **error);
