/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A person's decisions about one integration: resume, rollback, confirm-deleted, revoke, remove; and reload.
 */
#include <stdio.h>

#include "client/bus.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"

/* Says what was done; in JSON the integration's name. */
static void tell(struct client *client, const char *name, const char *done)
{
    if (client->json) {
        g_autoptr(json_object) output = json_object_new_object();
        json_object_object_add(output, "name", json_object_new_string(name));
        output_json(output);
    } else {
        printf("%s: %s.\n", name, done);
    }
}

static int decide(struct client *client, int argc, char **argv, const char *method, const char *done,
                  GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 1, 1, error);

    if (r <= 0)
        return r;
    if (bus_call(client, method, NULL, error, "s", client->argv[0]) < 0)
        return -1;
    tell(client, client->argv[0], done);
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

/* The two that take a flag. */
static int decide_flag(struct client *client, int argc, char **argv, const GOptionEntry *entries,
                       const gboolean *flag, const char *method, const char *done, GError **error)
{
    int r = options_parse(client, argc, argv, entries, 1, 1, error);

    if (r <= 0)
        return r;
    if (bus_call(client, method, NULL, error, "sb", client->argv[0], *flag) < 0)
        return -1;
    tell(client, client->argv[0], done);
    return 0;
}

int verb_revoke(struct client *client, int argc, char **argv, GError **error)
{
    gboolean force = FALSE;
    const GOptionEntry entries[] = {
        {"force", 0, 0, G_OPTION_ARG_NONE, &force, "Even while somebody uses the key", NULL},
        {NULL},
    };

    return decide_flag(client, argc, argv, entries, &force, "Revoke", "the key is being deleted at HueChat",
                       error);
}

int verb_remove(struct client *client, int argc, char **argv, GError **error)
{
    gboolean revoke = FALSE;
    const GOptionEntry entries[] = {
        {"revoke", 0, 0, G_OPTION_ARG_NONE, &revoke, "Delete its keys at HueChat first", NULL},
        {NULL},
    };

    return decide_flag(client, argc, argv, entries, &revoke, "RemoveIntegration", "forgotten", error);
}

int verb_reload(struct client *client, int argc, char **argv, GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    if (r <= 0)
        return r;
    return bus_call(client, "Reload", NULL, error, "");
}
