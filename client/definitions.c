/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All by the folder's descriptor and a plain name in it. */
#include "client/definitions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/client.h"
#include "client/lib/cleanup.h"

#include "config.h"

#define NAME_MAX_LENGTH 64
#define READ_MAX (1024 * 1024)

char *definitions_file(const char *name, GError **error)
{
    size_t length = strlen(name);

    if (length >= 1 && length <= NAME_MAX_LENGTH && g_ascii_isalnum(*name) &&
        strspn(name, G_CSET_a_2_z G_CSET_DIGITS "._-") == length)
        return g_strconcat(name, ".conf", NULL);
    client_fail(
        error,
        "%s is no name for an integration: use 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit",
        name);
    return NULL;
}

static bool is_ours(const struct stat *status)
{
    return status->st_uid == geteuid() || status->st_uid == 0;
}

static int check_folder(const struct definitions *definitions, bool system, GError **error)
{
    struct stat status;

    if (fstat(definitions->fd, &status) < 0)
        return client_fail(error, "%s can't be looked at: %s", definitions->path, g_strerror(errno));
    if (is_ours(&status) && (!system || (status.st_mode & 0022) == 0))
        return 0;
    return client_fail(error,
                       system ? "others than root can change %s: systemctl restart keyturnd makes it root's"
                              : "%s is somebody else's: make it yours",
                       definitions->path);
}

int definitions_open(bool system, struct definitions *ret, GError **error)
{
    g_autofree char *path = system
                                ? g_strdup(KT_SYSCONFDIR "/keyturn/integrations")
                                : g_build_filename(g_get_user_config_dir(), "keyturn", "integrations", NULL);

    if (system && geteuid() != 0)
        return client_fail(error, "the files in %s are root's: run this as root", path);
    ret->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (system ? O_NOFOLLOW : 0));
    if (ret->fd < 0 && errno != ENOENT)
        return client_fail(error, "%s can't be opened: %s", path, g_strerror(errno));
    ret->path = g_steal_pointer(&path);
    return ret->fd < 0 ? 0 : check_folder(ret, system, error);
}

void definitions_clear(struct definitions *definitions)
{
    kt_close_p(&definitions->fd);
    g_clear_pointer(&definitions->path, g_free);
}

static int fail(const struct definitions *definitions, const char *file, const char *what, int number,
                GError **error)
{
    const char *why = g_strerror(number);

    if (number == ELOOP)
        why = "it is a link: put a file in its place";
    if (number == EEXIST)
        why = "it is there already";
    if (definitions->fd < 0)
        why = "there is no such folder: is keyturnd set up?";
    return client_fail(error, "%s/%s can't be %s: %s", definitions->path, file, what, why);
}

bool definitions_has(const struct definitions *definitions, const char *file)
{
    struct stat status;

    return fstatat(definitions->fd, file, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int read_all(int fd, char **ret_text)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char buffer[4096];
    ssize_t n;

    while ((n = read(fd, buffer, sizeof buffer)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (text->len + (size_t)n > READ_MAX)
            return -EFBIG;
        g_string_append_len(text, buffer, n);
    }
    *ret_text = g_string_free(g_steal_pointer(&text), FALSE);
    return 0;
}

int definitions_read(const struct definitions *definitions, const char *file, char **ret_text, GError **error)
{
    _cleanup_close_ int fd =
        openat(definitions->fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    int r;

    *ret_text = NULL;
    if (fd < 0 && (errno == ENOENT || definitions->fd < 0))
        return 0;
    if (fd < 0 || fstat(fd, &status) < 0)
        return fail(definitions, file, "read", errno, error);
    if (!S_ISREG(status.st_mode) || !is_ours(&status))
        return client_fail(error, "%s/%s is no file of yours: put one in its place", definitions->path, file);
    r = read_all(fd, ret_text);
    return r < 0 ? fail(definitions, file, "read", -r, error) : 0;
}

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

/* That of the file which is to be replaced; else 0644, since polkit's rule reads it. */
static mode_t mode_of(int folder, const char *file)
{
    struct stat status;

    return fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode)
               ? status.st_mode & 0755
               : 0644;
}

/* A new file; -errno. What a run before has left goes. */
static int fill_new(int folder, const char *file, mode_t mode, const char *text)
{
    _cleanup_close_ int fd = -1;

    if (unlinkat(folder, file, 0) < 0 && errno != ENOENT)
        return -errno;
    fd = openat(folder, file, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fchmod(fd, mode) < 0)
        return -errno;
    return write_all(fd, text);
}

int definitions_write(const struct definitions *definitions, const char *file, const char *text,
                      bool only_new, GError **error)
{
    g_autofree char *temporary = g_strdup_printf("%s.new.%d", file, (int)getpid());
    int folder = definitions->fd, r = fill_new(folder, temporary, mode_of(folder, file), text);

    if (r >= 0 && renameat2(folder, temporary, folder, file, only_new ? (unsigned)RENAME_NOREPLACE : 0) < 0)
        r = -errno;
    if (r < 0) {
        unlinkat(folder, temporary, 0);
        return fail(definitions, file, "written", -r, error);
    }
    return fsync(folder) < 0 ? fail(definitions, file, "written", errno, error) : 0;
}

int definitions_rename(const struct definitions *definitions, const char *from, const char *to,
                       GError **error)
{
    int folder = definitions->fd;

    if (renameat2(folder, from, folder, to, RENAME_NOREPLACE) < 0 || fsync(folder) < 0)
        return fail(definitions, from, "renamed", errno, error);
    return 0;
}

int definitions_delete(const struct definitions *definitions, const char *file, GError **error)
{
    if ((unlinkat(definitions->fd, file, 0) < 0 && errno != ENOENT) || fsync(definitions->fd) < 0)
        return fail(definitions, file, "deleted", errno, error);
    return 0;
}
