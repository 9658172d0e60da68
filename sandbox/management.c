/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line an environment. */
#include "sandbox/management.h"

#include <errno.h>
#include <string.h>

#include "daemon/util/files.h"

#define TYPES (KEY_TEST + 1)
#define SECRET_MIN 16

static char *read_line(const char *line, const char *path, char *secrets[TYPES])
{
    const char *space = strchr(line, ' ');
    g_autofree char *name = space != NULL ? g_strndup(line, (gsize)(space - line)) : g_strdup(line);
    enum key_type type;

    if (*line == '\0')
        return NULL;
    if (space == NULL || !key_type_parse(name, &type) ||
        !g_str_has_prefix(space + 1, key_type_prefix(type)) || strlen(space + 1) < SECRET_MIN)
        return g_strdup_printf("%s: a line must be \"live sk_live_…\" or \"test sk_test_…\"", path);
    g_free(secrets[type]);
    secrets[type] = g_strdup(space + 1);
    return NULL;
}

static char *read_file(const char *path, char *secrets[TYPES])
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    char *trouble = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        return g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? NULL : g_strdup(error->message);
    lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] != NULL && trouble == NULL; i++)
        trouble = read_line(lines[i], path, secrets);
    return trouble;
}

static char *write_file(const char *path, char *const secrets[TYPES])
{
    g_autofree char *text = g_strdup_printf("live %s\ntest %s\n", secrets[KEY_LIVE], secrets[KEY_TEST]);
    int r = file_replace(path, 0600, text, strlen(text));

    return r < 0 ? g_strdup_printf("%s: %s", path, g_strerror(-r)) : NULL;
}

static void make_known(struct sandbox *sandbox, enum key_type type, char **secret)
{
    const struct key like = {.origin = (char *)"start"};
    g_autofree char *name = g_strdup_printf("Management (%s)", key_type_name(type));
    char *none[] = {NULL};
    const struct order order = {.name = name, .type = type, .full = true, .permissions = none};

    if (*secret == NULL)
        sandbox_create(sandbox, &order, &like, key_type_prefix(type), sandbox_now(sandbox), secret);
    else if (keys_by_secret(sandbox->keys, *secret) == NULL)
        sandbox_adopt(sandbox, &order, &like, *secret, sandbox_now(sandbox));
}

char *management_start(struct sandbox *sandbox, const char *path)
{
    char *secrets[TYPES] = {NULL, NULL};
    char *trouble = read_file(path, secrets);
    bool complete = secrets[KEY_LIVE] != NULL && secrets[KEY_TEST] != NULL;

    for (enum key_type type = KEY_LIVE; type < TYPES && trouble == NULL; type++)
        make_known(sandbox, type, &secrets[type]);
    if (trouble == NULL && !complete)
        trouble = write_file(path, secrets);
    g_free(secrets[KEY_LIVE]);
    g_free(secrets[KEY_TEST]);
    return trouble;
}
