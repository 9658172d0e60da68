/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Temp file, fsync, rename, fsync of the folder. */
#include "daemon/util/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "daemon/util/cleanup.h"

#define READ_MAX (1024 * 1024)

static int write_all(int fd, const char *content, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, content, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        content += n;
        size -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int sync_folder_of(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

int file_replace(const char *path, mode_t mode, const char *content, size_t size)
{
    g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);
    _cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC);
    int r;

    if (fd < 0)
        return -errno;
    r = write_all(fd, content, size);
    if (r == 0 && fchmod(fd, mode) < 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    return sync_folder_of(path);
}

int file_read(const char *path, char **ret)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    g_autofree char *text = NULL;
    struct stat status;
    size_t length = 0;
    ssize_t n;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    text = g_malloc(READ_MAX + 1);
    while (length <= READ_MAX && (n = read(fd, text + length, READ_MAX + 1 - length)) > 0)
        length += (size_t)n;
    if (length > READ_MAX)
        return -EFBIG;
    if (n < 0)
        return -errno;
    text[length] = '\0';
    if (strlen(text) != length)
        return -EILSEQ;
    *ret = g_steal_pointer(&text);
    return 0;
}

int folder_make(const char *path)
{
    return g_mkdir_with_parents(path, 0700) < 0 ? -errno : 0;
}
