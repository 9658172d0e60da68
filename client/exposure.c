/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that lie open in files. What is read is erased. */
#include "client/exposure.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/dict.h"
#include "client/lib/cleanup.h"

#define FILE_MAX (1024 * 1024)

/* One walk: the buffer for all its files. */
struct walk {
    struct exposure *exposure;
    bool units;
    char *buffer;
};

char *exposure_printable(const char *path)
{
    g_autofree char *text = g_filename_display_name(path);
    GString *printable = g_string_new(NULL);

    for (const char *c = text; *c; c = g_utf8_next_char(c)) {
        gunichar u = g_utf8_get_char(c);

        g_string_append_unichar(printable, g_unichar_isprint(u) ? u : '?');
    }
    return g_string_free(printable, FALSE);
}

/* The integration whose key ends so; NULL: none. */
static const char *find_owner(json_object *integrations, const char *last4, bool live)
{
    for (size_t n = 0; integrations && n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);

        if (strncmp(dict_text(i, "Last4"), last4, 4) == 0 && *dict_text(i, "Last4") &&
            strcmp(dict_text(i, "Environment"), live ? "live" : "test") == 0)
            return dict_text(i, "Name");
    }
    return NULL;
}

void exposure_add(struct exposure *exposure, const struct keyscan_match *match, const char *where,
                  const char *what, const char *first)
{
    char last4[5] = {0};
    const char *owner;
    g_autofree char *way_out = NULL;

    memcpy(last4, match->start + match->length - 4, 4);
    owner = find_owner(exposure->integrations, last4, match->live);
    way_out = owner ? g_strdup_printf("%skeyturn rotate %s --compromised", first, owner)
                    : g_strconcat(first, "delete the key at HueChat", NULL);
    report_add(exposure->report, match->live ? LEVEL_FAIL : LEVEL_WARN, where, way_out, "sk_%s_…%s%s%s%s %s",
               match->live ? "live" : "test", last4, owner ? " (" : "", owner ? owner : "", owner ? ")" : "",
               what);
}

static bool is_for_browsers(const char *path)
{
    const char *const endings[] = {".js", ".jsx", ".mjs", ".ts", ".tsx", ".html", ".htm", ".vue", ".svelte"};

    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(path, endings[i]))
            return true;
    return false;
}

static void look_at_text(struct walk *walk, const char *path, size_t length)
{
    const char *what = walk->units             ? "is in a unit, whose settings everybody may read"
                       : is_for_browsers(path) ? "is plain text, and perhaps on its way to browsers"
                                               : "is plain text";
    g_autofree char *printable = exposure_printable(path);
    const char *at = walk->buffer, *end = at + length, *counted = at;
    struct keyscan_match match;
    unsigned line = 1;

    while (keyscan_find(at, (size_t)(end - at), &match)) {
        g_autofree char *where = NULL;

        for (; counted < match.start; counted++)
            line += *counted == '\n';
        where = g_strdup_printf("%s:%u", printable, line);
        exposure_add(walk->exposure, &match, where, what, "take it out, then ");
        at = match.start + match.length;
    }
}

/* Returns the length; 0 for what is empty, too large or no file; or a negative errno. */
static ssize_t read_file(const char *path, char *buffer)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    size_t length = 0;
    ssize_t n = 1;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_MAX)
        return 0;
    while (n > 0 && length < FILE_MAX) {
        n = read(fd, buffer + length, FILE_MAX - length);
        if (n < 0)
            return -errno;
        length += (size_t)n;
    }
    return (ssize_t)length;
}

static void report_unread(struct walk *walk, const char *path, int error)
{
    g_autofree char *printable = exposure_printable(path);

    report_add(walk->exposure->report, LEVEL_WARN, printable, "look as somebody who may",
               "it can't be read (%s)", g_strerror(error));
}

static void look_at_file(struct walk *walk, const char *path)
{
    ssize_t n = read_file(path, walk->buffer);

    if (n < 0)
        report_unread(walk, path, (int)-n);
    else if (n > 0 && !memchr(walk->buffer, '\0', (size_t)n))
        look_at_text(walk, path, (size_t)n);
    if (n > 0)
        explicit_bzero(walk->buffer, (size_t)n);
}

static void look_at_entry(struct walk *walk, FTS *tree, FTSENT *entry)
{
    bool is_git = strcmp(entry->fts_name, ".git") == 0 && entry->fts_level > 0;

    switch (entry->fts_info) {
    case FTS_D:
    case FTS_F:
        if (is_git && !walk->units && entry->fts_level > 1) {
            g_autofree char *repository = g_path_get_dirname(entry->fts_accpath);
            exposure_look_at_history(walk->exposure, repository);
        }
        if (is_git)
            fts_set(tree, entry, FTS_SKIP);
        else if (entry->fts_info == FTS_F)
            look_at_file(walk, entry->fts_accpath);
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        report_unread(walk, entry->fts_path, entry->fts_errno);
        break;
    default: /* links, sockets and the like, and folders on the way back */
        break;
    }
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void walk_through(struct walk *walk, const char *path)
{
    char *const roots[] = {(char *)path, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR | FTS_XDEV, by_name);
    FTSENT *entry;

    if (!tree) {
        report_unread(walk, path, errno);
        return;
    }
    walk->buffer = g_malloc(FILE_MAX);
    while ((entry = fts_read(tree)))
        look_at_entry(walk, tree, entry);
    g_free(walk->buffer);
    fts_close(tree);
}

void exposure_look(struct exposure *exposure, const char *path)
{
    walk_through(&(struct walk){.exposure = exposure}, path);
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        exposure_look_at_history(exposure, path);
}

void exposure_look_at_units(struct exposure *exposure, const char *folder)
{
    if (g_file_test(folder, G_FILE_TEST_IS_DIR))
        walk_through(&(struct walk){.exposure = exposure, .units = true}, folder);
}
