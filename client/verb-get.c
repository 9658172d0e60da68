/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn get, keyturn exec: a key for a person's shell, or for a command. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/bus.h"
#include "client/dict.h"
#include "client/lib/keyturn.h"
#include "client/options.h"
#include "client/secret.h"
#include "client/verbs.h"

#define CANNOT_RUN 126
#define NOT_FOUND 127

typedef char keyturn_key;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(keyturn_key, keyturn_key_free)

static char *fetch(struct client *client, const char *name, GError **error)
{
    struct keyturn_error why;
    char *key;

    secret_hide_process();
    if (keyturn_get_key(name, client->system ? KEYTURN_SYSTEM : KEYTURN_USER, &key, NULL, &why) == 0)
        return key;
    client_fail(error, "%s", why.message);
    return NULL;
}

static int write_all(const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(STDOUT_FILENO, text, length);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
    }
    return 0;
}

int verb_get(struct client *client, int argc, char **argv, GError **error)
{
    g_autoptr(keyturn_key) key = NULL;
    int r = options_parse(client, argc, argv, NULL, 1, 1, error);

    if (r <= 0)
        return r;
    key = fetch(client, client->argv[0], error);
    if (!key)
        return -1;
    r = write_all(key, strlen(key));
    if (r == 0 && isatty(STDOUT_FILENO))
        r = write_all("\n", 1);
    return r < 0 ? client_fail(error, "standard output can't be written: %s", g_strerror(-r)) : 0;
}

/* The command starts at argv[at]; what stands before is keyturn's. 0: there is none. */
static int find_command(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
    return 0;
}

static bool is_variable(const char *name)
{
    return (g_ascii_isalpha(*name) || *name == '_') &&
           strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_") == strlen(name);
}

static int run_command(const char *key, const char *variable, const char *base_url, char **command,
                       GError **error)
{
    int r;

    if (!g_setenv(variable, key, TRUE) || !g_setenv("HUECHAT_BASE_URL", base_url, TRUE))
        return client_fail(error, "the environment can't be set: %s", g_strerror(errno));
    execvp(command[0], command);
    r = errno;
    client_fail(error, "%s can't be run (%s): check the command", command[0], g_strerror(r));
    return r == ENOENT ? NOT_FOUND : CANNOT_RUN;
}

int verb_exec(struct client *client, int argc, char **argv, GError **error)
{
    g_autofree char *variable = NULL;
    const GOptionEntry entries[] = {
        {"var", 0, 0, G_OPTION_ARG_STRING, &variable, "Variable for the key, else HUECHAT_API_KEY",
         "VARIABLE"},
        {NULL},
    };
    g_autoptr(json_object) properties = NULL;
    g_autoptr(keyturn_key) key = NULL;
    int at = find_command(argc, argv), r;

    r = options_parse(client, at > 0 ? at - 1 : argc, argv, entries, 1, 1, error);
    if (r <= 0)
        return r;
    if (at == 0 || (variable && !is_variable(variable))) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
                    at == 0 ? "no command is given: keyturn exec %s -- COMMAND"
                            : "--var %s is no name of a variable: use A-Z, 0-9 and _",
                    at == 0 ? client->argv[0] : variable);
        return -1;
    }
    if (bus_get_integration(client, client->argv[0], &properties, error) < 0)
        return -1;
    key = fetch(client, client->argv[0], error);
    if (!key)
        return -1;
    return run_command(key, variable ? variable : "HUECHAT_API_KEY", dict_text(properties, "BaseURL"),
                       argv + at, error);
}
