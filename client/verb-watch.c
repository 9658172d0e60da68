/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn watch: keyturnd's signals as lines, for scripts. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/dict.h"
#include "client/follow.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"
#include "client/when.h"
#include "daemon/util/text.h"
#include "dbus/names.h"

struct watch {
    struct client *client;
    GHashTable *states; /* by name, as last printed: a property may be announced without having changed */
};

/* One line: time, name, what happened, its detail. */
static void print_event(const struct client *client, const char *name, const char *event, const char *key,
                        json_object *detail)
{
    g_autofree char *iso = when_iso(when_now()), *local = when_second(when_now()),
                    *shown = text_printable(name, TEXT_NAME_MAX);

    if (client->json) {
        g_autoptr(json_object) line = json_object_new_object();
        json_object_object_add(line, "time", json_object_new_string(iso));
        json_object_object_add(line, "name", json_object_new_string(shown));
        json_object_object_add(line, "event", json_object_new_string(event));
        json_object_object_add(line, key, json_object_get(detail));
        output_json_line(line);
        return;
    }
    printf("%s%s%s %s%s%s %s %s\n", colour_on(COLOUR_DIM), local, colour_off(COLOUR_DIM),
           colour_on(COLOUR_BOLD), shown, colour_off(COLOUR_BOLD), event, json_object_get_string(detail));
    fflush(stdout);
}

static int on_key_changed(struct watch *watch, sd_bus_message *m)
{
    const char *name;
    guint64 generation;
    int r = sd_bus_message_read(m, "st", &name, &generation);

    if (r >= 0) {
        g_autoptr(json_object) detail = json_object_new_uint64(generation);
        print_event(watch->client, name, "key-changed", "generation", detail);
    }
    return r;
}

static int on_rotation_due(struct watch *watch, sd_bus_message *m)
{
    const char *name;
    guint64 due;
    int r = sd_bus_message_read(m, "st", &name, &due);

    if (r >= 0) {
        g_autofree char *text = watch->client->json ? when_iso(due) : when_second(due);
        g_autoptr(json_object) detail = text ? json_object_new_string(text) : NULL;
        print_event(watch->client, name, "rotation-due", "due_at", detail);
    }
    return r;
}

static int on_attention_needed(struct watch *watch, sd_bus_message *m)
{
    const char *name, *reason;
    int r = sd_bus_message_read(m, "ss", &name, &reason);

    if (r >= 0) {
        g_autoptr(json_object) detail = dict_new_text(reason);
        print_event(watch->client, name, "attention-needed", "reason", detail);
    }
    return r;
}

/* Of an integration's properties only the rotation's state is an event. */
static int on_properties_changed(struct watch *watch, sd_bus_message *m)
{
    g_autofree char *name = follow_path_to_name(sd_bus_message_get_path(m));
    g_autoptr(json_object) changed = NULL;
    const char *interface;
    json_object *state;
    int r = sd_bus_message_read(m, "s", &interface);

    if (r < 0 || !name || strcmp(interface, KT_INTEGRATION_INTERFACE) != 0)
        return r;
    r = dict_read(m, &changed);
    if (r <= 0 || !json_object_object_get_ex(changed, "RotationState", &state))
        return r;
    if (g_strcmp0(g_hash_table_lookup(watch->states, name), json_object_get_string(state)) == 0)
        return r;
    g_hash_table_insert(watch->states, g_strdup(name), g_strdup(json_object_get_string(state)));
    print_event(watch->client, name, "rotation-state", "state", state);
    return r;
}

static const struct {
    const char *member;
    int (*print)(struct watch *watch, sd_bus_message *m);
} signals[] = {
    {"KeyChanged", on_key_changed},
    {"RotationDue", on_rotation_due},
    {"AttentionNeeded", on_attention_needed},
    {"PropertiesChanged", on_properties_changed},
};

static void on_signal(sd_bus_message *m, void *userdata)
{
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        if (g_strcmp0(sd_bus_message_get_member(m), signals[i].member) == 0 &&
            signals[i].print(userdata, m) < 0)
            fprintf(stderr, "keyturn: a signal %s makes no sense: are keyturn and keyturnd of one version?\n",
                    signals[i].member);
}

/* So that a state is printed when it changes, not when something else does. Where nobody answers yet, the
 * first that is said of each integration is printed. */
static void learn_states(struct watch *watch)
{
    g_autoptr(json_object) integrations = NULL;
    g_autoptr(GError) error = NULL;

    if (bus_get_integrations(watch->client, &integrations, &error) < 0)
        return;
    for (size_t n = 0; n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);

        g_hash_table_insert(watch->states, g_strdup(dict_text(i, "Name")),
                            g_strdup(dict_text(i, "RotationState")));
    }
}

static int watch_signals(struct client *client, GError **error)
{
    g_autoptr(GHashTable) states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct watch watch = {.client = client, .states = states};

    if (follow_start(client, on_signal, &watch, error) < 0)
        return -1;
    learn_states(&watch);
    while (follow_wait(client, G_MAXUINT64, error) == 0)
        if (ferror(stdout))
            return client_fail(error, "standard output can't be written: is its reader gone?");
    return -1;
}

int verb_watch(struct client *client, int argc, char **argv, GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    return r <= 0 ? r : watch_signals(client, error);
}
