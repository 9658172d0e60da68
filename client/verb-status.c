/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn status: one integration in full, with who holds its key; or how all is. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/fetches.h"
#include "client/history.h"
#include "client/integration.h"
#include "client/options.h"
#include "client/verbs.h"
#include "client/when.h"

#define BAR_WIDTH 20
#define N_RECENT 5
#define FOR_MANAGERS "shown only to those who may manage keyturn"

static void print_field(const char *name, enum colour colour, const char *text)
{
    printf("%12s: %s%s%s\n", name, colour_on(colour), text, colour_off(colour));
}

static void take_field(const char *name, enum colour colour, char *text)
{
    print_field(name, colour, text);
    g_free(text);
}

/* "Tue 2026-11-24 21:58:03 CET; 5 min ago" */
static char *both_times(guint64 time, guint64 now)
{
    g_autofree char *absolute = when_long(time), *relative = when_relative(time, now);

    return time == 0 ? g_strdup(relative) : g_strconcat(absolute, "; ", relative, NULL);
}

static void print_title(const char *title, enum colour colour, const char *what)
{
    printf("%s%s%s %s%s%s%s%s\n", colour_on(colour), g_get_charset(NULL) ? "●" : "*", colour_off(colour),
           colour_on(COLOUR_BOLD), title, colour_off(COLOUR_BOLD), *what ? " - " : "", what);
}

static void print_last_fetch(json_object *i, guint64 now)
{
    guint64 at = dict_number(i, "LastFetchedAt");
    const char *by = at > 0 ? dict_text(i, "LastFetchedBy") : "";
    g_autofree char *at_text = both_times(at, now);

    if (dict_is_null(i, "LastFetchedBy"))
        print_field("Last fetched", COLOUR_DIM, FOR_MANAGERS);
    else
        take_field("Last fetched", COLOUR_NONE, g_strconcat(at_text, *by ? ", by " : "", by, NULL));
}

static void print_key(json_object *i, guint64 now)
{
    const char *last4 = dict_text(i, "Last4"), *id = dict_text(i, "KeyId");

    if (!*last4) {
        print_field("Key", COLOUR_YELLOW, "none yet");
        return;
    }
    take_field("Key", COLOUR_NONE,
               g_strdup_printf("…%s%s%s%s, generation %" G_GUINT64_FORMAT, last4, *id ? " (" : "", id,
                               *id ? ")" : "", dict_number(i, "Generation")));
    take_field("Created", COLOUR_NONE, both_times(dict_number(i, "CreatedAt"), now));
    take_field("Age", integration_age_colour(i, now), integration_age(i, BAR_WIDTH, now));
    take_field("Due", COLOUR_NONE,
               dict_number(i, "DueAt") > 0 ? both_times(dict_number(i, "DueAt"), now) : g_strdup("never"));
    take_field("Last used", COLOUR_NONE, both_times(dict_number(i, "LastUsedAt"), now));
    print_last_fetch(i, now);
}

static void print_state(json_object *i)
{
    const char *state = dict_text(i, "RotationState"), *meaning = integration_state_meaning(state);

    take_field("Rotation", integration_state_colour(i),
               g_strconcat(state, *meaning ? ": " : "", meaning, NULL));
    if (*dict_text(i, "Attention"))
        print_field("Attention", COLOUR_RED, dict_text(i, "Attention"));
}

static void print_access(struct client *client, json_object *i)
{
    g_autofree char *allow = dict_join(i, "Allow", ", ");
    g_autofree char *after = when_span(dict_number(i, "RotateAfter")),
                    *overlap = when_span(dict_number(i, "Overlap"));

    take_field("Permissions", COLOUR_NONE, integration_permissions(i));
    print_field("Allow", COLOUR_NONE,
                *allow           ? allow
                : client->system ? "no rule: nobody"
                                 : "no rule: any program of this user");
    take_field("Rotates", COLOUR_NONE,
               dict_number(i, "RotateAfter") == G_MAXUINT64
                   ? g_strdup("never")
                   : g_strdup_printf("after %s, with an overlap of %s", after, overlap));
    take_field("API", COLOUR_NONE,
               g_strdup_printf("%s, %s", dict_text(i, "BaseURL"), dict_text(i, "HeaderName")));
}

static void print_holder(json_object *holder, const char *title, guint64 now)
{
    g_autofree char *last = when_relative(dict_number(holder, "LastAt"), now);
    bool is_unit = strcmp(dict_text(holder, "Kind"), "unit") == 0, alive = dict_flag(holder, "Alive");
    g_autofree char *who = is_unit
                               ? g_strdup(dict_text(holder, "Unit"))
                               : g_strdup_printf("process %" G_GUINT64_FORMAT " (%s)",
                                                 dict_number(holder, "Pid"), dict_text(holder, "Command"));

    printf("%12s%s %s%s: generation %" G_GUINT64_FORMAT ", fetched %" G_GUINT64_FORMAT "×, last %s%s%s\n",
           title, *title ? ":" : " ", alive ? "" : colour_on(COLOUR_DIM), who,
           dict_number(holder, "Generation"), dict_number(holder, "Count"), last, alive ? "" : ", ended",
           alive ? "" : colour_off(COLOUR_DIM));
}

static void print_holders(json_object *holders, guint64 now)
{
    size_t n = json_object_array_length(holders);

    for (size_t i = 0; i < n; i++)
        print_holder(json_object_array_get_idx(holders, i), i == 0 ? "Holders" : "", now);
    if (n == 0)
        print_field("Holders", COLOUR_NONE, "none");
}

static void print_recent(json_object *history)
{
    size_t n = json_object_array_length(history);

    if (n > 0)
        putchar('\n');
    for (size_t i = n > N_RECENT ? n - N_RECENT : 0; i < n; i++)
        history_print(json_object_array_get_idx(history, i), false);
}

/* Holders and history tell of other people's processes: in system mode not everybody may see them. */
static int get_or_denied(int r, GError **local, json_object **array, GError **error)
{
    if (r == 0)
        return 0;
    if (!g_error_matches(*local, CLIENT_ERROR, CLIENT_DENIED)) {
        g_propagate_error(error, g_steal_pointer(local));
        return -1;
    }
    g_clear_error(local);
    *array = NULL;
    return 0;
}

static int show_one(struct client *client, const char *name, GError **error)
{
    g_autoptr(json_object) i = NULL, holders = NULL, history = NULL;
    g_autoptr(GError) local = NULL;
    guint64 now = when_now();

    if (bus_get_integration(client, name, &i, error) < 0 || fetches_fill(client, i, error) < 0 ||
        get_or_denied(bus_get_holders(client, name, &holders, &local), &local, &holders, error) < 0 ||
        get_or_denied(bus_get_history(client, name, 0, &history, &local), &local, &history, error) < 0)
        return -1;
    if (client->json) {
        g_autoptr(json_object) output = dict_to_output(i);
        json_object_object_add(output, "holders", holders ? dicts_to_output(holders) : NULL);
        output_json(output);
        return 0;
    }
    g_autofree char *what =
        g_strdup_printf("%s, managed by %s", dict_text(i, "Environment"),
                        strcmp(dict_text(i, "Management"), "api") == 0 ? "keyturn" : "a person (dashboard)");
    print_title(name, integration_state_colour(i), what);
    print_key(i, now);
    print_state(i);
    print_access(client, i);
    if (holders)
        print_holders(holders, now);
    else
        print_field("Holders", COLOUR_DIM, FOR_MANAGERS);
    if (history)
        print_recent(history);
    return 0;
}

static void print_overview(json_object *manager, json_object *integrations, guint64 now)
{
    const char *keyring = dict_text(manager, "KeyringState");
    size_t n = json_object_array_length(integrations), due = 0, waiting = 0;
    bool well;

    for (size_t i = 0; i < n; i++) {
        due += integration_is_due(json_object_array_get_idx(integrations, i), now);
        waiting += integration_needs_person(json_object_array_get_idx(integrations, i));
    }
    well = strcmp(keyring, "unlocked") == 0 && waiting == 0;
    g_autofree char *title = g_strdup_printf("keyturnd %s", dict_text(manager, "Version"));
    g_autofree char *mode = g_strdup_printf("%s mode", dict_text(manager, "Mode"));
    print_title(title, well ? COLOUR_GREEN : COLOUR_RED, mode);
    print_field("Keyring", strcmp(keyring, "unlocked") == 0 ? COLOUR_GREEN : COLOUR_RED, keyring);
    take_field("Next", COLOUR_NONE, both_times(dict_number(manager, "NextRotationAt"), now));
    take_field("Integrations", COLOUR_NONE,
               g_strdup_printf("%zu; %zu due, %zu waiting for a person", n, due, waiting));
    if (waiting > 0)
        putchar('\n');
    for (size_t i = 0; i < n; i++) {
        json_object *one = json_object_array_get_idx(integrations, i);

        if (integration_needs_person(one))
            printf("%s%s%s: %s%s%s\n", colour_on(COLOUR_RED), dict_text(one, "Name"), colour_off(COLOUR_RED),
                   integration_state(one, now), *dict_text(one, "Attention") ? ": " : "",
                   dict_text(one, "Attention"));
    }
}

static int show_all(struct client *client, GError **error)
{
    g_autoptr(json_object) manager = NULL, integrations = NULL;

    if (bus_get_manager(client, &manager, error) < 0 ||
        bus_get_integrations(client, &integrations, error) < 0)
        return -1;
    if (client->json) {
        if (fetches_fill_all(client, integrations, error) < 0)
            return -1;
        g_autoptr(json_object) output = dict_to_output(manager);
        json_object_object_add(output, "integrations", dicts_to_output(integrations));
        output_json(output);
    } else {
        print_overview(manager, integrations, when_now());
    }
    return 0;
}

int verb_status(struct client *client, int argc, char **argv, GError **error)
{
    int r = options_parse(client, argc, argv, NULL, 0, 1, error);

    if (r <= 0)
        return r;
    if (bus_open(client, error) < 0)
        return -1;
    /* A look should not ask for a password. */
    sd_bus_set_allow_interactive_authorization(client->bus, false);
    return client->argc > 0 ? show_one(client, client->argv[0], error) : show_all(client, error);
}
