/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people have been reminded of: a line of name, due time and occasion each. Every run keeps the last
 * occasion of what is still urgent, so the file does not grow. */
#include "client/reminded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"

struct reminded {
    char *path;
    char **before; /* lines */
    GString *now;
};

/* A service's own, else the one of interface. */
static char *state_directory(bool system)
{
    const char *given = getenv("STATE_DIRECTORY");

    if (given && *given)
        return g_strdup(given);
    return system ? g_strdup("/var/lib/keyturn-remind")
                  : g_build_filename(g_get_user_state_dir(), "keyturn", NULL);
}

int reminded_load(bool system, struct reminded **ret_reminded, GError **error)
{
    g_autofree char *directory = state_directory(system),
                    *path = g_build_filename(directory, "reminded", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) local = NULL;
    struct reminded *reminded;

    /* That folder is another account's: root has nothing to open there. */
    if (system && geteuid() == 0 && !getenv("STATE_DIRECTORY"))
        return client_fail(error, "keyturn-remind.service does this: systemctl start keyturn-remind");
    if (g_mkdir_with_parents(directory, 0700) < 0)
        return client_fail(error, "%s can't be made (%s): check who may write there", directory,
                           g_strerror(errno));
    if (!g_file_get_contents(path, &text, NULL, &local) &&
        !g_error_matches(local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return client_fail(error, "%s can't be read (%s): check who may read it", path, local->message);
    reminded = g_new0(struct reminded, 1);
    reminded->path = g_steal_pointer(&path);
    reminded->before = g_strsplit(text ? text : "", "\n", -1);
    reminded->now = g_string_new(NULL);
    *ret_reminded = reminded;
    return 0;
}

struct reminded *reminded_free(struct reminded *reminded)
{
    if (reminded) {
        g_free(reminded->path);
        g_strfreev(reminded->before);
        g_string_free(reminded->now, TRUE);
    }
    g_free(reminded);
    return NULL;
}

bool reminded_add(struct reminded *reminded, const char *name, guint64 due, const char *occasion)
{
    g_autofree char *line = g_strdup_printf("%s %" G_GUINT64_FORMAT " %s", name, due, occasion);

    g_string_append_printf(reminded->now, "%s\n", line);
    return !g_strv_contains((const char *const *)reminded->before, line);
}

int reminded_save(struct reminded *reminded, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (g_file_set_contents_full(reminded->path, reminded->now->str, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0600,
                                 &local))
        return 0;
    return client_fail(error, "%s can't be written (%s): check who may write there", reminded->path,
                       local->message);
}
