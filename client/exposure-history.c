/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that lie open in what git remembers. git is run so that nothing which the repository's own settings
 * name is run by it. */
#include "client/exposure.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/lib/cleanup.h"
#include "client/output.h"
#include "daemon/util/text.h"

#define COMMIT_MARK '\x01'

/* Where the reading of git's words stands. */
struct history {
    struct exposure *exposure;
    char *folder;     /* printable */
    char *commit;     /* "1a2b3c4 of 2026-11-24" */
    char *file;       /* printable */
    GHashTable *told; /* checksums of file and key */
};

static bool is_in_repository(const char *folder)
{
    g_autofree char *at = g_canonicalize_filename(folder, NULL);

    for (;;) {
        g_autofree char *git = g_build_filename(at, ".git", NULL);
        char *parent;

        if (g_file_test(git, G_FILE_TEST_EXISTS))
            return true;
        parent = g_path_get_dirname(at);
        if (strcmp(parent, at) == 0) {
            g_free(parent);
            return false;
        }
        g_free(at);
        at = parent;
    }
}

/* Whether this key in this file is news. */
static bool is_news(struct history *history, const struct keyscan_match *match)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(sum, (const guchar *)history->file, -1);
    g_checksum_update(sum, (const guchar *)match->start, (gssize)match->length);
    return g_hash_table_add(history->told, g_strdup(g_checksum_get_string(sum)));
}

static void look_at_line(struct history *history, const char *line, size_t length)
{
    const char *at = line, *end = line + length;
    struct keyscan_match match;

    while (keyscan_find(at, (size_t)(end - at), &match)) {
        if (is_news(history, &match)) {
            g_autofree char *where = g_strdup_printf("%s/%s", history->folder, history->file);
            g_autofree char *what = g_strdup_printf("is in the history of git, commit %s", history->commit);

            exposure_add(history->exposure, &match, where, what, "");
        }
        at = match.start + match.length;
    }
}

static void take_line(struct history *history, char *line, size_t length)
{
    if (*line == COMMIT_MARK) {
        line[length - 1] = '\0';
        g_free(history->commit);
        history->commit = g_strdup(line + 1);
    } else if (g_str_has_prefix(line, "+++ ")) {
        line[length - 1] = '\0';
        g_free(history->file);
        history->file = text_printable(line + (g_str_has_prefix(line, "+++ b/") ? 6 : 4), TEXT_MESSAGE_MAX);
    } else if (*line == '+' && history->commit && history->file) {
        look_at_line(history, line + 1, length - 1);
    }
}

static void take_all(struct history *history, int fd)
{
    FILE *stream = fdopen(fd, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t n;

    if (!stream) {
        close(fd);
        return;
    }
    while ((n = getline(&line, &size, stream)) > 0)
        take_line(history, line, (size_t)n);
    if (line)
        explicit_bzero(line, size);
    free(line);
    fclose(stream);
}

/* git fetches what a repository lacks, by programs which the repository names: it is told not to, and (as
 * older ones know no such order) that no protocol is allowed. All else that the caller's environment tells
 * git is left out: it may name another repository. The array is the caller's, not its texts. */
static char **environment_new(void)
{
    GPtrArray *variables = g_ptr_array_new();

    for (char **p = environ; *p; p++)
        if (!g_str_has_prefix(*p, "GIT_"))
            g_ptr_array_add(variables, *p);
    g_ptr_array_add(variables, (char *)"GIT_NO_LAZY_FETCH=1");
    g_ptr_array_add(variables, (char *)"GIT_ALLOW_PROTOCOL=none");
    g_ptr_array_add(variables, NULL);
    return (char **)g_ptr_array_free(variables, FALSE);
}

/* Starts git; *ret_output is the caller's. Returns 0 or an errno, as posix_spawn(). */
static int start_git(const char *folder, pid_t *ret_pid, int *ret_output)
{
    const char *const argv[] = {"git",
                                "-C",
                                folder,
                                "--no-pager",
                                "-c",
                                "core.fsmonitor=false",
                                "-c",
                                "core.quotePath=false",
                                "-c",
                                "diff.noprefix=false",
                                "-c",
                                "diff.mnemonicPrefix=false",
                                "log",
                                "--all",
                                "-p",
                                "-U0",
                                "--no-color",
                                "--no-textconv",
                                "--no-ext-diff",
                                "--no-show-signature",
                                "--ignore-submodules=all",
                                "--submodule=short",
                                "--no-renames",
                                "--src-prefix=a/",
                                "--dst-prefix=b/",
                                "--relative",
                                "--format=%x01%h of %cs",
                                "-Gsk_(live|test)_",
                                "--",
                                ".",
                                NULL};
    g_autofree char **variables = environment_new();
    posix_spawn_file_actions_t actions;
    int ends[2], r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    r = posix_spawnp(ret_pid, "git", &actions, NULL, (char *const *)argv, variables);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (r == 0)
        *ret_output = ends[0];
    else
        close(ends[0]);
    return r;
}

static void report_unread(struct history *history, const char *why)
{
    g_autofree char *folder = output_quote(history->folder),
                    *way_out = g_strdup_printf("if you trust it, see what git -C %s log says", folder);

    report_add(history->exposure->report, LEVEL_WARN, history->folder, way_out,
               "its history of git can't be read (%s)", why);
}

static void read_history(struct history *history, const char *folder)
{
    int output = -1, status, r;
    pid_t pid;

    r = start_git(folder, &pid, &output);
    if (r != 0) {
        report_unread(history, g_strerror(r));
        return;
    }
    take_all(history, output);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        report_unread(history, "git failed");
}

void exposure_look_at_history(struct exposure *exposure, const char *folder)
{
    struct history history = {.exposure = exposure};

    if (!is_in_repository(folder))
        return;
    history.folder = text_printable(folder, TEXT_MESSAGE_MAX);
    history.told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    read_history(&history, folder);
    g_hash_table_unref(history.told);
    g_free(history.folder);
    g_free(history.commit);
    g_free(history.file);
}
