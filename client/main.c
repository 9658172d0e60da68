/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn: finds the verb, runs it, and turns its failure into one line and an exit status. */
#include <errno.h>
#include <locale.h>
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
    {"status", "[NAME]", "Show one integration in full, or how all is", verb_status},
    {"due", "", "Show which keys are due for rotation", verb_due},

    {"Integrations", NULL, NULL, NULL},
    {"login", "ENV", "Store the management key of live or test", verb_login},
    {"logout", "ENV", "Forget the management key of live or test", verb_logout},
    {"add", "NAME --env ENV (--scope SCOPE... | --full)", "Define an integration and issue its first key",
     verb_add},
    {"import", "NAME", "Take a key in that was made elsewhere", verb_import},
    {"edit", "NAME", "Edit an integration's file, and check it", verb_edit},
    {"reload", "", "Take all files in anew", verb_reload},
    {"remove", "NAME", "Forget an integration", verb_remove},

    {"Rotation", NULL, NULL, NULL},
    {"rotate", "NAME... | --due", "Replace keys by new ones", verb_rotate},
    {"resume", "NAME", "Let a held rotation go on", verb_resume},
    {"rollback", "NAME", "Go back to the old key", verb_rollback},
    {"confirm-deleted", "NAME", "Say that the old key is deleted in the dashboard", verb_confirm_deleted},
    {"revoke", "NAME", "Delete the current key at HueChat, without another", verb_revoke},

    {"Watching", NULL, NULL, NULL},
    {"log", "[NAME]", "Show the history", verb_log},
    {"watch", "", "Print what happens, a line each", verb_watch},
    {"explain", "NAME SUBJECT", "Tell why somebody may fetch a key, or may not", verb_explain},
    {"doctor", "", "Tell what is well, what is not, and the way out", verb_doctor},
    {"audit", "[DIR...]", "Check HueChat's advice on keys, and files for keys", verb_audit},
    {"check", "", "One line and an exit status for a monitoring system", verb_check},
    {"remind", "", "Tell journal and desktop what a person has to do", verb_remind},
    {"metrics", "", "Print metrics for Prometheus", verb_metrics},
    {NULL},
};

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
        client_report(error);
    if (status >= 0)
        return status;
    return g_error_matches(error, CLIENT_ERROR, CLIENT_USAGE) ? 2 : 1;
}
