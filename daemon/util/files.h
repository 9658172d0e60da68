/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are either as they were or as they should be. */
#pragma once

#include <stddef.h>

/* Writes a file that everybody may read beside path, syncs it, renames it over path and syncs the folder.
 * Returns 0, or negative errno: then path is whole, old or (if the folder alone could not be synced) new. */
int file_replace(const char *path, const char *content, size_t size);

/* Makes the folder (0700) and its parents. Returns 0 or negative errno. */
int folder_make(const char *path);
