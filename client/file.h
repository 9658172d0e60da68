/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are replaced whole. */
#pragma once

#include <glib.h>

/* Replaces or makes a file by a temporary one that has the owner and the mode of `like`, so that at any
 * moment the old text or the new one is there. Returns 0, or -1 with error set. */
int file_replace(const char *path, const char *text, const char *like, GError **error);

/* The file's text, which is the caller's (g_free). Returns 0, or -1 with error set. */
int file_read(const char *path, char **ret_text, GError **error);
