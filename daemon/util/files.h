/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are either as they were or as they should be. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Writes a file of that mode (whatever the umask) beside path, syncs it, renames it over path and syncs the
 * folder. Returns 0, or negative errno: then path is whole, old or (if the folder alone could not be synced)
 * new. */
int file_replace(const char *path, mode_t mode, const char *content, size_t size);

/* Reads a regular file of 1 MiB at most; never waits for one that is something else. The text is the caller's
 * (g_free). Negative errno: -EINVAL: no regular file; -EFBIG; -EILSEQ: a NUL is in
 * it, so it is no text. */
int file_read(const char *path, char **ret);

/* Makes the folder (0700) and its parents. Returns 0 or negative errno. */
int folder_make(const char *path);
