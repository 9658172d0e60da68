/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn edit: an integration's file in an editor. A text that keyturnd does not take is not left in place.
 * In system mode keyturnd's own files are not looked at: from the settings that it tells, one of root's is
 * made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/bus.h"
#include "client/definitions.h"
#include "client/options.h"
#include "client/settings.h"
#include "client/terminal.h"
#include "client/verbs.h"

/* The file, and the copy that is edited; the copy stands beside it, NAME.conf.edit, which keyturnd passes
 * over. */
struct edit {
    struct definitions definitions;
    const char *name;
    char *file;
    char *copy;
    char *copy_path; /* for the editor */
    bool is_new;     /* the file isn't there yet */
    char *before;
    char *after;
};

static void edit_clear(struct edit *edit)
{
    definitions_clear(&edit->definitions);
    g_free(edit->file);
    g_free(edit->copy);
    g_free(edit->copy_path);
    g_free(edit->before);
    g_free(edit->after);
}

/* What there is to edit where root has no file yet. */
static int make_text(struct edit *edit, struct client *client, GError **error)
{
    g_autoptr(json_object) settings = NULL;

    if (!client->system)
        return client_fail(error, "the file %s/%s is gone: put it back, then keyturn reload",
                           edit->definitions.path, edit->file);
    edit->is_new = true;
    if (bus_get_settings(client, edit->name, &settings, error) < 0)
        return -1;
    edit->before = settings_to_text(edit->name, settings, false, error);
    return edit->before ? 0 : -1;
}

static int edit_open(struct edit *edit, struct client *client, const char *name, GError **error)
{
    g_autoptr(json_object) properties = NULL;
    struct definitions *definitions = &edit->definitions;

    edit->name = name;
    edit->file = definitions_file(name, error);
    if (!edit->file || bus_get_integration(client, name, &properties, error) < 0 ||
        definitions_open(client->system, definitions, error) < 0 ||
        definitions_read(definitions, edit->file, &edit->before, error) < 0)
        return -1;
    if (!edit->before && make_text(edit, client, error) < 0)
        return -1;
    edit->copy = g_strconcat(edit->file, ".edit", NULL);
    edit->copy_path = g_build_filename(definitions->path, edit->copy, NULL);
    /* One that is there is what was refused last. */
    if (definitions_has(definitions, edit->copy)) {
        fprintf(stderr,
                "keyturn: %s has a text that was refused: going on with that, delete it to begin anew\n",
                edit->copy_path);
        return 0;
    }
    return definitions_write(definitions, edit->copy, edit->before, true, error);
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
static bool is_about(const char *failure, const char *file)
{
    g_autofree char *part = g_strconcat(file, ":", NULL);
    const char *at = strstr(failure, part);

    return at && (at == failure || at[-1] == '/' || at[-1] == ' ');
}

/* Of several failures the first is told; the integration's own is its attention. */
static bool is_refused(struct client *client, const struct edit *edit, const GError *failure)
{
    g_autoptr(json_object) properties = NULL;

    if (is_about(failure->message, edit->file))
        return true;
    return bus_get_integration(client, edit->name, &properties, NULL) == 0 &&
           is_about(dict_text(properties, "Attention"), edit->file);
}

static int put_back(struct edit *edit, struct client *client, GError **error)
{
    int r = edit->is_new ? definitions_delete(&edit->definitions, edit->file, error)
                         : definitions_write(&edit->definitions, edit->file, edit->before, false, error);

    return r < 0 ? -1 : bus_call(client, "Reload", NULL, error, "");
}

/* Returns 0, or -1 with error set, and refused if it is the text's fault. */
static int take_in(struct edit *edit, struct client *client, bool *ret_refused, GError **error)
{
    g_autoptr(GError) failure = NULL, second = NULL;

    *ret_refused = false;
    if (definitions_write(&edit->definitions, edit->file, edit->after, edit->is_new, error) < 0)
        return -1;
    if (bus_call(client, "Reload", NULL, &failure, "") == 0)
        return 0;
    if (!is_refused(client, edit, failure))
        return client_fail(error, "%s/%s is written, but: %s", edit->definitions.path, edit->file,
                           failure->message);
    *ret_refused = true;
    if (put_back(edit, client, &second) < 0)
        client_report(second);
    return client_fail(error, "%s (nothing is changed; keyturn edit %s goes on with your text)",
                       failure->message, edit->name);
}

/* One go: the editor, then keyturnd's judgement. */
static int edit_once(struct edit *edit, struct client *client, bool *ret_refused, GError **error)
{
    bool same;

    *ret_refused = false;
    if (run_editor(edit->copy_path, error) < 0) {
        definitions_delete(&edit->definitions, edit->copy, NULL);
        return -1;
    }
    g_clear_pointer(&edit->after, g_free);
    if (definitions_read(&edit->definitions, edit->copy, &edit->after, error) < 0)
        return -1;
    if (!edit->after)
        return client_fail(error, "the editor has left no %s: nothing is changed", edit->copy_path);
    same = strcmp(edit->before, edit->after) == 0;
    if (!same && take_in(edit, client, ret_refused, error) < 0)
        return -1;
    if (definitions_delete(&edit->definitions, edit->copy, error) < 0)
        return -1;
    if (!client->json)
        printf("%s: %s.\n", edit->name, same ? "nothing is changed" : "taken in");
    return 0;
}

int verb_edit(struct client *client, int argc, char **argv, GError **error)
{
    __attribute__((cleanup(edit_clear))) struct edit edit = {.definitions = DEFINITIONS_NONE};
    bool refused;
    int r = options_parse(client, argc, argv, NULL, 1, 1, error);

    if (r <= 0)
        return r;
    if (edit_open(&edit, client, client->argv[0], error) < 0)
        return -1;
    while ((r = edit_once(&edit, client, &refused, error)) < 0 && refused &&
           terminal_try_again((*error)->message))
        g_clear_error(error);
    return r;
}
