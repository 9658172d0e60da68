/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A person's decisions about one integration: resume, rollback, confirm-deleted, revoke; and reload. */
#include "client/bus.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"

static int decide(struct client *client, int argc, char **argv, const char *method, const char *done,
                  GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 1, 1, error);

    if (r <= 0)
        return r;
    if (bus_call(client, method, NULL, error, "s", client->argv[0]) < 0)
        return -1;
    output_done(client->json, client->argv[0], done);
    return 0;
}

int verb_resume(struct client *client, int argc, char **argv, GError **error)
{
    return decide(client, argc, argv, "Resume", "the rotation goes on", error);
}

int verb_rollback(struct client *client, int argc, char **argv, GError **error)
{
    return decide(client, argc, argv, "Rollback", "the rotation is being rolled back", error);
}

int verb_confirm_deleted(struct client *client, int argc, char **argv, GError **error)
{
    return decide(client, argc, argv, "ConfirmDeleted",
                  "noted; keyturnd now makes sure that the old key is dead", error);
}

int verb_revoke(struct client *client, int argc, char **argv, GError **error)
{
    gboolean force = FALSE;
    const GOptionEntry entries[] = {
        {"force", 0, 0, G_OPTION_ARG_NONE, &force, "Even while somebody uses the key", NULL},
        {NULL},
    };
    int r = options_parse(client, argc, argv, entries, 1, 1, error);

    if (r <= 0)
        return r;
    if (bus_call(client, "Revoke", NULL, error, "sb", client->argv[0], force) < 0)
        return -1;
    output_done(client->json, client->argv[0], "the key is being deleted at HueChat");
    return 0;
}

int verb_reload(struct client *client, int argc, char **argv, GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    if (r <= 0)
        return r;
    return bus_call(client, "Reload", NULL, error, "");
}
