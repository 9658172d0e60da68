/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn edit: an integration's file in an editor. A text that keyturnd does not take is not left in place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/bus.h"
#include "client/file.h"
#include "client/options.h"
#include "client/terminal.h"
#include "client/verbs.h"

#include "config.h"

/* The file, and the copy that is edited; the copy stands beside it, NAME.conf.edit, which keyturnd passes
 * over. */
struct edit {
    char *name;
    char *path;
    char *copy;
    char *before;
    char *after;
};

static void edit_clear(struct edit *edit)
{
    g_free(edit->name);
    g_free(edit->path);
    g_free(edit->copy);
    g_free(edit->before);
    g_free(edit->after);
}

static char *integrations_directory(bool system)
{
    return system ? g_build_filename(KT_SYSCONFDIR, "keyturn", "integrations", NULL)
                  : g_build_filename(g_get_user_config_dir(), "keyturn", "integrations", NULL);
}

static int edit_open(struct edit *edit, struct client *client, const char *name, GError **error)
{
    g_autoptr(json_object) properties = NULL;
    g_autofree char *directory = integrations_directory(client->system),
                    *file = g_strconcat(name, ".conf", NULL);
    g_autofree char *copy = g_strconcat(file, ".edit", NULL);

    /* Whatever keyturnd knows by this name is a file's name too, and no path. */
    if (bus_get_integration(client, name, &properties, error) < 0)
        return -1;
    edit->name = g_strdup(name);
    edit->path = g_build_filename(directory, file, NULL);
    edit->copy = g_build_filename(directory, copy, NULL);
    return file_read(edit->path, &edit->before, error);
}

/* $VISUAL, $EDITOR, or the first that there is. */
static const char *choose_editor(void)
{
    const char *wanted[] = {getenv("VISUAL"), getenv("EDITOR")};
    const char *const usual[] = {"editor", "nano", "vim", "vi"};

    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (wanted[i] && *wanted[i])
            return wanted[i];
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++) {
        g_autofree char *found = g_find_program_in_path(usual[i]);

        if (found)
            return usual[i];
    }
    return "vi";
}

/* An editor may come with arguments, hence the shell; the path is not part of the script. */
static int run_editor(const char *path, GError **error)
{
    const char *editor = choose_editor();
    g_autofree char *script = g_strconcat(editor, " \"$1\"", NULL);
    int status;
    pid_t pid = fork();

    if (pid < 0)
        return client_fail(error, "no editor can be started: %s", g_strerror(errno));
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, editor, path, (char *)NULL);
        _exit(127);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return client_fail(error, "the editor is lost: %s", g_strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return client_fail(error, "the editor %s failed, nothing is changed: set $VISUAL or $EDITOR to another",
                       editor);
}

/* Whether the failure names the file, and not one that only ends like it. An error about another file is no
 * reason to refuse this one. */
static bool is_about(const GError *failure, const char *path)
{
    g_autofree char *base = g_path_get_basename(path), *part = g_strconcat(base, ":", NULL);
    const char *at = strstr(failure->message, part);

    return at && (at == failure->message || at[-1] == '/' || at[-1] == ' ');
}

static int put_back(struct edit *edit, struct client *client, GError **error)
{
    if (file_replace(edit->path, edit->before, edit->copy, error) < 0)
        return -1;
    return bus_call(client, "Reload", NULL, error, "");
}

/* Returns 0, or -1 with error set, and refused if it is the text's fault. */
static int take_in(struct edit *edit, struct client *client, bool *ret_refused, GError **error)
{
    g_autoptr(GError) failure = NULL, second = NULL;

    *ret_refused = false;
    if (file_replace(edit->path, edit->after, edit->path, error) < 0)
        return -1;
    if (bus_call(client, "Reload", NULL, &failure, "") == 0)
        return 0;
    if (!is_about(failure, edit->path))
        return client_fail(error, "%s is written, but: %s", edit->path, failure->message);
    *ret_refused = true;
    if (put_back(edit, client, &second) < 0)
        client_report(second);
    return client_fail(error, "%s (nothing is changed; keyturn edit %s goes on with your text)",
                       failure->message, edit->name);
}

/* One go: the editor, then keyturnd's judgement. */
static int edit_once(struct edit *edit, struct client *client, bool *ret_refused, GError **error)
{
    *ret_refused = false;
    if (run_editor(edit->copy, error) < 0)
        return -1;
    g_clear_pointer(&edit->after, g_free);
    if (file_read(edit->copy, &edit->after, error) < 0)
        return -1;
    if (strcmp(edit->before, edit->after) != 0 && take_in(edit, client, ret_refused, error) < 0)
        return -1;
    if (unlink(edit->copy) < 0)
        return client_fail(error, "%s can't be removed: %s", edit->copy, g_strerror(errno));
    if (!client->json)
        printf("%s: %s.\n", edit->name,
               strcmp(edit->before, edit->after) == 0 ? "nothing is changed" : "taken in");
    return 0;
}

int verb_edit(struct client *client, int argc, char **argv, GError **error)
{
    __attribute__((cleanup(edit_clear))) struct edit edit = {0};
    bool refused;
    int r = options_parse(client, argc, argv, NULL, 1, 1, error);

    if (r <= 0)
        return r;
    if (edit_open(&edit, client, client->argv[0], error) < 0)
        return -1;
    if (access(edit.copy, F_OK) < 0 && file_replace(edit.copy, edit.before, edit.path, error) < 0)
        return -1;
    while ((r = edit_once(&edit, client, &refused, error)) < 0 && refused &&
           terminal_try_again((*error)->message))
        g_clear_error(error);
    return r;
}
