/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn rotate: starts rotations, and waits for their ends. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/integration.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/output.h"
#include "client/progress.h"
#include "client/verbs.h"
#include "client/when.h"

/* Adds the integrations whose time has come and that are not being rotated. */
static int add_due(struct client *client, GPtrArray *names, GError **error)
{
    g_autoptr(json_object) integrations = NULL;

    if (bus_get_integrations(client, &integrations, error) < 0)
        return -1;
    for (size_t n = 0; n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);

        if (integration_is_due(i, when_now()) && strcmp(dict_text(i, "RotationState"), "idle") == 0)
            g_ptr_array_add(names, g_strdup(dict_text(i, "Name")));
    }
    return 0;
}

static int start(struct client *client, const char *name, bool compromised, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
    g_autofree char *rotation = NULL;
    int r;

    if (bus_new_call(client, "Rotate", &call, error) < 0)
        return -1;
    r = sd_bus_message_append(call, "s", name);
    if (r >= 0)
        r = compromised ? sd_bus_message_append(call, "a{sv}", 1, "Compromised", "b", 1)
                        : sd_bus_message_append(call, "a{sv}", 0);
    if (r < 0)
        return client_fail(error, "this can't be sent over the bus (%s): use plain UTF-8", g_strerror(-r));
    if (bus_send(client, call, &reply, error) < 0)
        return -1;
    r = bus_read_text(reply, &rotation);
    if (r < 0)
        return bus_bad_reply(r, error);
    if (client->json) {
        g_autoptr(json_object) line = json_object_new_object();
        json_object_object_add(line, "name", json_object_new_string(name));
        json_object_object_add(line, "rotation", json_object_new_string(rotation));
        output_json_line(line);
    } else {
        printf("%s%s%s: rotation %s has begun\n", colour_on(COLOUR_BOLD), name, colour_off(COLOUR_BOLD),
               rotation);
    }
    return 0;
}

/* Returns 0, or -1 after telling why. */
static int try_start(struct client *client, const char *name, bool compromised, struct progress *progress)
{
    g_autoptr(GError) error = NULL;

    if ((!progress || progress_add(progress, name, &error) == 0) &&
        start(client, name, compromised, &error) == 0)
        return 0;
    if (progress)
        progress_drop(progress, name);
    client_report(error);
    return -1;
}

/* One's failure stops no other: each is told when it happens. Returns the exit status, or -1 with error set.
 */
static int rotate(struct client *client, GPtrArray *names, bool compromised, bool wait, GError **error)
{
    _cleanup_progress_ struct progress *progress = NULL;
    unsigned failed = 0;

    if (wait && progress_new(client, &progress, error) < 0)
        return -1;
    for (guint i = 0; i < names->len; i++)
        if (try_start(client, g_ptr_array_index(names, i), compromised, progress) < 0)
            failed++;
    if (progress)
        failed += progress_wait(progress);
    return failed > 0 ? 1 : 0;
}

int verb_rotate(struct client *client, int argc, char **argv, GError **error)
{
    gboolean due = FALSE, compromised = FALSE, wait = FALSE;
    const GOptionEntry entries[] = {
        {"due", 0, 0, G_OPTION_ARG_NONE, &due, "All keys whose time has come, instead of names", NULL},
        {"compromised", 0, 0, G_OPTION_ARG_NONE, &compromised,
         "Delete the old key without waiting for its users", NULL},
        {"wait", 0, 0, G_OPTION_ARG_NONE, &wait, "Show progress until the old key is gone", NULL},
        {NULL},
    };
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    int r = options_parse(client, argc, argv, entries, 0, INT_MAX, error);

    if (r <= 0)
        return r;
    if (due == (client->argc > 0)) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
                    "either names or all that is due: give NAME... or --due");
        return -1;
    }
    for (int i = 0; i < client->argc; i++)
        g_ptr_array_add(names, g_strdup(client->argv[i]));
    if (due && add_due(client, names, error) < 0)
        return -1;
    if (names->len == 0 && !client->json)
        printf("Nothing is due.\n");
    return rotate(client, names, compromised, wait, error);
}
