/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that are replaced whole: temporary file, fsync, rename. */
#include "client/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "client/lib/cleanup.h"

static int write_all(int fd, const char *text)
{
    size_t length = strlen(text);

    while (length > 0) {
        ssize_t n = write(fd, text, length);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
    }
    return fsync(fd) < 0 ? -errno : 0;
}

static int dress_like(int fd, const char *like)
{
    struct stat wanted, have;

    if (stat(like, &wanted) < 0 || fstat(fd, &have) < 0)
        return -errno;
    if ((wanted.st_uid != have.st_uid || wanted.st_gid != have.st_gid) &&
        fchown(fd, wanted.st_uid, wanted.st_gid) < 0)
        return -errno;
    return fchmod(fd, wanted.st_mode & 0777) < 0 ? -errno : 0;
}

static int fill_and_rename(int fd, const char *temporary, const char *path, const char *text,
                           const char *like)
{
    int r = dress_like(fd, like);

    if (r >= 0)
        r = write_all(fd, text);
    if (r >= 0 && rename(temporary, path) < 0)
        r = -errno;
    return r;
}

int file_replace(const char *path, const char *text, const char *like, GError **error)
{
    g_autofree char *temporary = g_strconcat(path, "~XXXXXX", NULL);
    _cleanup_close_ int fd = mkostemp(temporary, O_CLOEXEC);
    int r = fd < 0 ? -errno : fill_and_rename(fd, temporary, path, text, like);

    if (r >= 0)
        return 0;
    if (fd >= 0)
        unlink(temporary);
    return client_fail(error, "%s can't be written (%s): check who may write there", path, g_strerror(-r));
}

int file_read(const char *path, char **ret_text, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (g_file_get_contents(path, ret_text, NULL, &local))
        return 0;
    return client_fail(error, "%s can't be read (%s): check that it is there", path, local->message);
}
