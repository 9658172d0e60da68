/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn import: takes a key in that was made elsewhere. */
#include <stdio.h>

#include "client/bus.h"
#include "client/dotenv.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/output.h"
#include "client/secret.h"
#include "client/verbs.h"
#include "client/when.h"

struct details {
    char *id;
    char *created;
    char *file;
    char *variable;
};

static void details_clear(struct details *d)
{
    g_free(d->id);
    g_free(d->created);
    g_free(d->file);
    g_free(d->variable);
}

static int append_details(sd_bus_message *m, const char *name, const struct details *d, guint64 created)
{
    int r = sd_bus_message_append(m, "s", name);

    if (r >= 0)
        r = sd_bus_message_open_container(m, 'a', "{sv}");
    if (r >= 0 && d->id)
        r = sd_bus_message_append(m, "{sv}", "Id", "s", d->id);
    if (r >= 0 && created > 0)
        r = sd_bus_message_append(m, "{sv}", "CreatedAt", "t", created);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int send_import(struct client *client, const char *name, const struct details *d, guint64 created,
                       char **ret_last4, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
    int r;

    if (bus_new_call(client, "ImportKey", &call, error) < 0)
        return -1;
    r = append_details(call, name, d, created);
    if (r < 0)
        return client_fail(error, "this can't be sent over the bus (%s): use plain UTF-8", g_strerror(-r));
    if (bus_send(client, call, &reply, error) < 0)
        return -1;
    r = bus_read_text(reply, ret_last4);
    return r < 0 ? bus_bad_reply(r, error) : 0;
}

static void tell(struct client *client, const char *name, const char *last4, const char *file)
{
    if (client->json) {
        g_autoptr(json_object) output = json_object_new_object();
        json_object_object_add(output, "name", json_object_new_string(name));
        json_object_object_add(output, "last4", json_object_new_string(last4));
        output_json(output);
        return;
    }
    printf("%s: the key …%s works and is in the keyring. Fetch it with: keyturn get %s\n", name, last4, name);
    if (file)
        printf("It still stands in %s as plain text: take it out there, and run the program by: keyturn exec "
               "%s -- "
               "COMMAND\n",
               file, name);
}

static int check_usage(const struct details *d, guint64 *ret_created, GError **error)
{
    if (d->created && when_parse(d->created, ret_created) < 0) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "--created %s is no date: try 2026-11-24", d->created);
        return -1;
    }
    if (d->variable && !d->file) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "--var %s is of no file: add --from-env FILE",
                    d->variable);
        return -1;
    }
    return 0;
}

int verb_import(struct client *client, int argc, char **argv, GError **error)
{
    __attribute__((cleanup(details_clear))) struct details d = {0};
    const GOptionEntry entries[] = {
        {"id", 0, 0, G_OPTION_ARG_STRING, &d.id, "The key's id at HueChat, if it can't be found by itself",
         "ID"},
        {"created", 0, 0, G_OPTION_ARG_STRING, &d.created, "When it was created, if HueChat does not tell",
         "DATE"},
        {"from-env", 0, 0, G_OPTION_ARG_FILENAME, &d.file, "Read it out of a .env file", "FILE"},
        {"var", 0, 0, G_OPTION_ARG_STRING, &d.variable, "Its variable there, else HUECHAT_API_KEY",
         "VARIABLE"},
        {NULL},
    };
    _cleanup_secret_ struct secret *secret = NULL;
    g_autofree char *prompt = NULL, *last4 = NULL;
    int r = options_parse(client, argc, argv, entries, 1, 1, error);
    guint64 created = 0;

    if (r <= 0)
        return r;
    if (check_usage(&d, &created, error) < 0)
        return -1;
    secret_hide_process();
    prompt = g_strdup_printf("Key for %s: ", client->argv[0]);
    secret = d.file ? dotenv_read(d.file, d.variable, error) : secret_read(prompt, error);
    if (!secret || secret_upload(client, secret, error) < 0 ||
        send_import(client, client->argv[0], &d, created, &last4, error) < 0)
        return -1;
    tell(client, client->argv[0], last4, d.file);
    return 0;
}
