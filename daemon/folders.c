/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The paths, and what is written there. */
#include "daemon/folders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/journal.h"
#include "daemon/util/files.h"

#define DROPPED ".units" /* beside NAME.conf: what an upgrade took out of it */

char *folders_path(const struct daemon *daemon, enum folder folder)
{
    return g_build_filename(folder == FOLDER_STATE ? daemon->paths.state : daemon->paths.config,
                            "integrations", NULL);
}

static char *path_of(const struct daemon *daemon, enum folder folder, const char *name, const char *suffix)
{
    g_autofree char *path = folders_path(daemon, folder), *file = g_strconcat(name, suffix, NULL);

    return g_build_filename(path, file, NULL);
}

char *folders_file(const struct daemon *daemon, enum folder folder, const char *name)
{
    return path_of(daemon, folder, name, ".conf");
}

bool folders_has_roots(const struct daemon *daemon, const char *name)
{
    g_autofree char *path = folders_file(daemon, FOLDER_SETTINGS, name);
    struct stat status;

    return daemon->system_mode && lstat(path, &status) == 0;
}

static enum folder own_folder(const struct daemon *daemon)
{
    return daemon->system_mode ? FOLDER_STATE : FOLDER_SETTINGS;
}

int folders_write(struct daemon *daemon, const struct integration *definition)
{
    g_autofree char *folder = folders_path(daemon, own_folder(daemon));
    g_autofree char *path = folders_file(daemon, own_folder(daemon), definition->name);
    g_autofree char *text = integration_to_text(definition);
    int r = folder_make(folder);

    return r < 0 ? r : file_replace(path, 0644, text, strlen(text));
}

static int delete_file(const char *path)
{
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int folders_delete(struct daemon *daemon, const char *name)
{
    g_autofree char *path = folders_file(daemon, own_folder(daemon), name);
    g_autofree char *dropped = path_of(daemon, FOLDER_STATE, name, DROPPED);
    int r = delete_file(path);

    return r < 0 || !daemon->system_mode ? r : delete_file(dropped);
}

void folders_set_aside(struct daemon *daemon, const char *name)
{
    g_autofree char *roots = folders_file(daemon, FOLDER_SETTINGS, name);
    g_autofree char *own = folders_file(daemon, FOLDER_STATE, name);
    g_autofree char *aside = g_strconcat(own, ".old", NULL);
    g_autofree char *dropped = path_of(daemon, FOLDER_STATE, name, DROPPED);
    int r = rename(own, aside) < 0 ? -errno : 0;

    if (r == 0)
        journal_send(LOG_NOTICE, NULL, (const char *[]){"KEYTURN_INTEGRATION", name, NULL},
                     "%s: %s holds from now on, and %s is set aside as %s.old", name, roots, own, own);
    if (r == 0 || r == -ENOENT)
        r = delete_file(dropped);
    if (r < 0)
        journal_send(LOG_WARNING, NULL, (const char *[]){"KEYTURN_INTEGRATION", name, NULL},
                     "%s: %s holds, but %s can't be set aside: %s: delete it", name, roots, own,
                     g_strerror(-r));
}

/* Lines as in the file. What makes no sense there never was a unit. */
static void read_dropped(struct integration *definition, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line != NULL; line++) {
        char *value = strchr(*line, '=');

        if (value == NULL)
            continue;
        *value++ = '\0';
        if (g_str_has_suffix(g_strstrip(*line), "Units"))
            integration_set(definition, *line, g_strstrip(value), NULL);
    }
}

char *folders_drop_units(struct daemon *daemon, struct integration *definition)
{
    g_autofree char *path = path_of(daemon, FOLDER_STATE, definition->name, DROPPED);
    g_autofree char *text = NULL;

    if (file_read(path, &text) == 0)
        read_dropped(definition, text);
    return integration_drop_units(definition);
}
