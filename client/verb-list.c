/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn list: the dashboard's table, and what the dashboard does not know. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/dict.h"
#include "client/fetches.h"
#include "client/integration.h"
#include "client/options.h"
#include "client/table.h"
#include "client/verbs.h"
#include "client/when.h"

#define BAR_WIDTH 10

static const char *const titles[] = {"NAME",      "ENV", "KEY",   "CREATED",
                                     "LAST USED", "AGE", "STATE", "PERMISSIONS"};

static void add_row(struct table *table, json_object *i, guint64 now)
{
    const char *last4 = dict_text(i, "Last4");

    table_add(table, COLOUR_BOLD, g_strdup(dict_text(i, "Name")));
    table_add(table, COLOUR_NONE, g_strdup(dict_text(i, "Environment")));
    table_add(table, COLOUR_NONE, *last4 ? g_strconcat("…", last4, NULL) : g_strdup("none"));
    table_add(table, COLOUR_NONE, when_day(dict_number(i, "CreatedAt")));
    table_add(table, COLOUR_NONE, when_relative(dict_number(i, "LastUsedAt"), now));
    table_add(table, integration_age_colour(i, now), integration_age(i, BAR_WIDTH, now));
    table_add(table, integration_state_colour(i), g_strdup(integration_state(i, now)));
    table_add(table, COLOUR_NONE, integration_permissions(i));
}

static void print_summary(json_object *integrations, guint64 now)
{
    size_t n = json_object_array_length(integrations), due = 0;

    for (size_t i = 0; i < n; i++)
        due += integration_is_due(json_object_array_get_idx(integrations, i), now);
    printf("\n%zu integration%s, %zu due.\n", n, n == 1 ? "" : "s", due);
}

int verb_list(struct client *client, int argc, char **argv, GError **error)
{
    g_autoptr(json_object) integrations = NULL;
    _cleanup_table_ struct table *table = NULL;
    guint64 now = when_now();
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    if (r <= 0)
        return r;
    if (bus_get_integrations(client, &integrations, error) < 0)
        return -1;
    if (client->json) {
        if (fetches_fill_all(client, integrations, error) < 0)
            return -1;
        g_autoptr(json_object) output = dicts_to_output(integrations);
        output_json(output);
        return 0;
    }
    if (json_object_array_length(integrations) == 0) {
        printf("No integrations. Add one with: keyturn add NAME --env test --scope contacts:read\n");
        return 0;
    }
    table = table_new(G_N_ELEMENTS(titles), titles);
    for (size_t i = 0; i < json_object_array_length(integrations); i++)
        add_row(table, json_object_array_get_idx(integrations, i), now);
    table_print(table);
    print_summary(integrations, now);
    return 0;
}
