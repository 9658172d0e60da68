/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn: finds the verb, runs it, and turns its failure into one line and an exit status. */
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/options.h"
#include "client/verbs.h"

static const struct verb verbs[] = {
    {"Keys", NULL, NULL, NULL},
    {"get", "NAME", "Print a key, alone on standard output", verb_get},
    {"exec", "NAME -- COMMAND...", "Run a command with a key in its environment", verb_exec},
    {"list", "", "Show every integration's key in a table", verb_list},
    {"Integrations", NULL, NULL, NULL},
    {"add", "NAME --env ENV (--scope SCOPE... | --full)", "Define an integration and issue its first key",
     verb_add},
    {NULL},
};

G_DEFINE_QUARK(keyturn - client - error, client_error)

int client_fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error)
        *error = g_error_new_valist(CLIENT_ERROR, CLIENT_FAILED, format, args);
    va_end(args);
    return -1;
}

static const struct verb *find_verb(const char *name)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (v->run && strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

static int run(struct client *client, int argc, char **argv, GError **error)
{
    int r = options_parse_global(client, &argc, &argv, verbs, error);

    if (r <= 0)
        return r;
    client->verb = argc > 1 ? find_verb(argv[1]) : NULL;
    if (!client->verb) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
                    argc > 1 ? "there is no verb %s: see keyturn --help" : "which verb%s: see keyturn --help",
                    argc > 1 ? argv[1] : "");
        return -1;
    }
    return client->verb->run(client, argc - 1, argv + 1, error);
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct client client = {0};
    int status;

    setlocale(LC_ALL, "");
    status = run(&client, argc, argv, &error);
    sd_bus_flush_close_unref(client.bus);
    if (fflush(stdout) != 0 && !error)
        status = client_fail(&error, "standard output can't be written: %s", g_strerror(errno));
    if (error)
        fprintf(stderr, "keyturn: %s\n", error->message);
    if (status >= 0)
        return status;
    return g_error_matches(error, CLIENT_ERROR, CLIENT_USAGE) ? 2 : 1;
}
