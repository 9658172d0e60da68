/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In user mode the properties tell it. In system mode they are empty for everybody, and a method tells it to
 * those who may manage; nobody is asked for a password, since this is only a part of what is shown. */
#include "client/fetches.h"

#include "client/bus.h"
#include "client/lib/cleanup.h"

/* Adds one {s(ts)}; 0 at the end of them. */
static int read_one(sd_bus_message *m, json_object *known)
{
    json_object *fetch;
    const char *name, *by;
    uint64_t at;
    int r = sd_bus_message_read(m, "{s(ts)}", &name, &at, &by);

    if (r <= 0)
        return r;
    fetch = json_object_new_object();
    json_object_object_add(fetch, "LastFetchedAt", json_object_new_uint64(at));
    json_object_object_add(fetch, "LastFetchedBy", dict_new_text(by));
    json_object_object_add(known, name, fetch);
    return 1;
}

/* *ret_known: by integration; NULL if they are not for this caller to know. */
static int get_known(struct client *client, json_object **ret_known, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
    g_autoptr(json_object) known = json_object_new_object();
    g_autoptr(GError) local = NULL;
    int r;

    *ret_known = NULL;
    if (bus_new_call(client, "GetLastFetches", &call, error) < 0)
        return -1;
    r = sd_bus_message_set_allow_interactive_authorization(call, false);
    if (r < 0)
        return client_fail(error, "no call can be made: %s", g_strerror(-r));
    if (bus_send(client, call, &reply, &local) < 0) {
        if (g_error_matches(local, CLIENT_ERROR, CLIENT_DENIED))
            return 0;
        g_propagate_error(error, g_steal_pointer(&local));
        return -1;
    }
    r = sd_bus_message_enter_container(reply, 'a', "{s(ts)}");
    while (r >= 0 && (r = read_one(reply, known)) > 0)
        ;
    if (r < 0)
        return bus_bad_reply(r, error);
    *ret_known = g_steal_pointer(&known);
    return 0;
}

static void fill(json_object *integration, json_object *known)
{
    json_object *fetch, *at = NULL, *by = NULL;

    if (known && !json_object_object_get_ex(known, dict_text(integration, "Name"), &fetch))
        return; /* never */
    if (known) {
        at = json_object_get(json_object_object_get(fetch, "LastFetchedAt"));
        by = json_object_get(json_object_object_get(fetch, "LastFetchedBy"));
    }
    json_object_object_add(integration, "LastFetchedAt", at);
    json_object_object_add(integration, "LastFetchedBy", by);
}

int fetches_fill_all(struct client *client, json_object *integrations, GError **error)
{
    g_autoptr(json_object) known = NULL;

    if (!client->system)
        return 0;
    if (get_known(client, &known, error) < 0)
        return -1;
    for (size_t i = 0; i < json_object_array_length(integrations); i++)
        fill(json_object_array_get_idx(integrations, i), known);
    return 0;
}

int fetches_fill(struct client *client, json_object *integration, GError **error)
{
    g_autoptr(json_object) known = NULL;

    if (!client->system)
        return 0;
    if (get_known(client, &known, error) < 0)
        return -1;
    fill(integration, known);
    return 0;
}
