/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that lie open in what git remembers. */
#include "client/exposure.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "client/git.h"
#include "client/output.h"
#include "daemon/util/text.h"

#define COMMIT_MARK '\x01'
#define PIECE_MAX (1024 * 1024)

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

/* A line that is too long for the buffer comes in pieces. */
static void take_all(struct history *history, FILE *stream, char *buffer)
{
    bool begins = true, added = false;

    while (fgets(buffer, PIECE_MAX, stream)) {
        size_t length = strlen(buffer);

        if (begins) {
            added = *buffer == '+' && !g_str_has_prefix(buffer, "+++ ");
            take_line(history, buffer, length);
        } else if (added && history->commit && history->file) {
            look_at_line(history, buffer, length);
        }
        begins = length > 0 && buffer[length - 1] == '\n';
    }
}

static void report_unread(struct history *history, const char *why)
{
    g_autofree char *folder = output_quote(history->folder),
                    *way_out = g_strdup_printf("if you trust it, see what git -C %s log says", folder);

    report_add(history->exposure->report, LEVEL_WARN, history->folder, way_out,
               "its history of git can't be read (%s)", why);
}

/* git opens these before it asks whose the repository is, and would wait for one that nobody writes to. */
static const char *find_no_file(const char *folder)
{
    static const char *const names[] = {"HEAD", "config", "packed-refs", "commondir", "shallow"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, ".git", names[i], NULL);
        struct stat status;

        if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
            return names[i];
    }
    return NULL;
}

static void read_history(struct history *history, const char *folder)
{
    const char *no_file = find_no_file(folder), *wrong;
    g_autofree char *why = no_file ? g_strdup_printf("its %s is no file", no_file) : NULL;
    char *buffer;
    struct git git;
    int r;

    if (why) {
        report_unread(history, why);
        return;
    }
    r = git_start(folder, &git);
    if (r < 0) {
        report_unread(history, g_strerror(-r));
        return;
    }
    buffer = g_malloc(PIECE_MAX);
    take_all(history, git.stream, buffer);
    explicit_bzero(buffer, PIECE_MAX);
    g_free(buffer);
    wrong = git_end(&git);
    if (wrong)
        report_unread(history, wrong);
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
