/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn remove: in system mode keyturnd can't delete root's file, so root's command does. */
#include <stdio.h>
#include <unistd.h>

#include "client/bus.h"
#include "client/options.h"
#include "client/output.h"
#include "client/removal.h"
#include "client/verbs.h"

static int remove_as_root(struct client *client, const char *name, bool revoke, GError **error)
{
    __attribute__((cleanup(definitions_clear))) struct definitions definitions = DEFINITIONS_NONE;

    if (definitions_open(true, &definitions, error) < 0)
        return -1;
    return removal_run(client, &definitions, name, revoke, error);
}

int verb_remove(struct client *client, int argc, char **argv, GError **error)
{
    gboolean revoke = FALSE;
    const GOptionEntry entries[] = {
        {"revoke", 0, 0, G_OPTION_ARG_NONE, &revoke, "Delete its keys at HueChat first", NULL},
        {NULL},
    };
    int r = options_parse(client, argc, argv, entries, 1, 1, error);
    const char *name;

    if (r <= 0)
        return r;
    name = client->argv[0];
    if (client->system && geteuid() == 0)
        r = remove_as_root(client, name, revoke, error);
    else
        r = bus_call(client, "RemoveIntegration", NULL, error, "sb", name, revoke);
    if (r < 0)
        return -1;
    output_done(client->json, name, "forgotten");
    return 0;
}
