/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger's file before SQLite gets it: whose it is, who may use it, and where a damaged one goes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "daemon/io/ledger-private.h"
#include "daemon/util/cleanup.h"

/* A regular file of our own that nobody else may read. */
static int check_file(int fd, struct stat *ret)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_uid != geteuid())
        return -EPERM;
    if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
        return -errno;
    *ret = st;
    return 0;
}

static int sync_folder_of(const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    _cleanup_close_ int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int ledger_lock(const char *folder, int *ret_fd)
{
    g_autofree char *path = g_build_filename(folder, "ledger.lock", NULL);
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat st;
    int r;

    if (fd < 0)
        return -errno;
    r = check_file(fd, &st);
    if (r < 0)
        return r;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        return -errno;
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int ledger_prepare_file(const char *path, int64_t *ret_size)
{
    _cleanup_close_ int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat st;
    int r;

    if (fd < 0)
        return -errno;
    r = check_file(fd, &st);
    if (r < 0)
        return r;
    if (st.st_size == 0)
        r = sync_folder_of(path);
    if (r < 0)
        return r;
    *ret_size = st.st_size;
    return 0;
}

/* A name that is free, even for the second damaged one within a second. */
static char *name_aside(const char *path, usec_t now)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc((int64_t)(now / USEC_PER_SEC));
    g_autofree char *time = g_date_time_format(when, "%Y%m%dT%H%M%SZ");
    char *name = g_strconcat(path, ".damaged-", time, NULL);

    for (unsigned i = 2; g_file_test(name, G_FILE_TEST_EXISTS); i++) {
        g_free(name);
        name = g_strdup_printf("%s.damaged-%s.%u", path, time, i);
    }
    return name;
}

int ledger_set_aside(const char *path, usec_t now)
{
    /* The file itself comes first: without its log it would look sound, and be of yesterday. */
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    g_autofree char *aside = name_aside(path, now);

    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++) {
        g_autofree char *from = g_strconcat(path, endings[i], NULL);
        g_autofree char *to = g_strconcat(aside, endings[i], NULL);

        if (rename(from, to) < 0 && errno != ENOENT)
            return -errno;
    }
    return sync_folder_of(path);
}
