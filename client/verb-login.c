/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn login, keyturn logout: the management key of an environment. */
#include <stdio.h>

#include "client/bus.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/output.h"
#include "client/secret.h"
#include "client/verbs.h"

static void tell(struct client *client, const char *environment, const char *text)
{
    if (client->json) {
        g_autoptr(json_object) output = json_object_new_object();
        json_object_object_add(output, "environment", json_object_new_string(environment));
        output_json(output);
    } else {
        printf("The management key for %s %s.\n", environment, text);
    }
}

static int send_login(struct client *client, const char *environment, const char *id, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL;
    int r;

    if (bus_new_call(client, "SetManagementKey", &call, error) < 0)
        return -1;
    r = sd_bus_message_append(call, "s", environment);
    if (r >= 0)
        r = id ? sd_bus_message_append(call, "a{sv}", 1, "Id", "s", id)
               : sd_bus_message_append(call, "a{sv}", 0);
    if (r < 0)
        return client_fail(error, "this can't be sent over the bus (%s): use plain UTF-8", g_strerror(-r));
    return bus_send(client, call, NULL, error);
}

int verb_login(struct client *client, int argc, char **argv, GError **error)
{
    g_autofree char *id = NULL, *prompt = NULL;
    const GOptionEntry entries[] = {
        {"id", 0, 0, G_OPTION_ARG_STRING, &id, "The key's id at HueChat, if it can't be found by itself",
         "ID"},
        {NULL},
    };
    _cleanup_secret_ struct secret *secret = NULL;
    int r = options_parse(client, argc, argv, entries, 1, 1, error);

    if (r <= 0)
        return r;
    if (client_check_environment(client->argv[0], error) < 0)
        return -1;
    secret_hide_process();
    prompt = g_strdup_printf("Management key for %s: ", client->argv[0]);
    secret = secret_read(prompt, error);
    if (!secret || secret_upload(client, secret, error) < 0 ||
        send_login(client, client->argv[0], id, error) < 0)
        return -1;
    tell(client, client->argv[0], "works and is in the keyring");
    return 0;
}

int verb_logout(struct client *client, int argc, char **argv, GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 1, 1, error);

    if (r <= 0)
        return r;
    if (client_check_environment(client->argv[0], error) < 0 ||
        bus_call(client, "ForgetManagementKey", NULL, error, "s", client->argv[0]) < 0)
        return -1;
    tell(client, client->argv[0], "is forgotten");
    return 0;
}
