/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn metrics: Prometheus' text format, for the textfile collector of its node exporter. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/fetches.h"
#include "client/integration.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"

enum unit {
    UNIT_NUMBER,
    UNIT_TIME, /* microseconds of the bus become seconds; 0 is left out */
};

static const struct {
    const char *name;
    const char *property;
    enum unit unit;
    const char *help;
} gauges[] = {
    {"keyturn_key_generation", "Generation", UNIT_NUMBER, "How many keys the integration has had."},
    {"keyturn_key_created_timestamp_seconds", "CreatedAt", UNIT_TIME, "When the current key was created."},
    {"keyturn_key_due_timestamp_seconds", "DueAt", UNIT_TIME, "When its rotation starts."},
    {"keyturn_key_last_used_timestamp_seconds", "LastUsedAt", UNIT_TIME, "When HueChat last saw it used."},
    {"keyturn_key_last_fetched_timestamp_seconds", "LastFetchedAt", UNIT_TIME, "When it was last fetched."},
};

static void print_head(const char *name, const char *help)
{
    printf("# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

/* Names and states have no character that a label would have to escape. */
static void print_labels(const char *name, json_object *i)
{
    printf("%s{integration=\"%s\",environment=\"%s\",management=\"%s\"", name, dict_text(i, "Name"),
           dict_text(i, "Environment"), dict_text(i, "Management"));
}

static void print_gauge(size_t gauge, json_object *integrations)
{
    print_head(gauges[gauge].name, gauges[gauge].help);
    for (size_t n = 0; n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);
        guint64 value = dict_number(i, gauges[gauge].property);

        if (gauges[gauge].unit == UNIT_TIME && value == 0)
            continue;
        print_labels(gauges[gauge].name, i);
        printf("} %" G_GUINT64_FORMAT "\n", gauges[gauge].unit == UNIT_TIME ? value / G_USEC_PER_SEC : value);
    }
}

static void print_states(json_object *integrations)
{
    size_t n_all = json_object_array_length(integrations);

    print_head("keyturn_rotation_state", "1 for the state that the integration's rotation is in.");
    for (size_t n = 0; n < n_all; n++) {
        json_object *i = json_object_array_get_idx(integrations, n);

        print_labels("keyturn_rotation_state", i);
        printf(",state=\"%s\"} 1\n", dict_text(i, "RotationState"));
    }
    print_head("keyturn_needs_person", "1 if the integration waits for a person.");
    for (size_t n = 0; n < n_all; n++) {
        json_object *i = json_object_array_get_idx(integrations, n);

        print_labels("keyturn_needs_person", i);
        printf("} %d\n", integration_needs_person(i));
    }
}

int verb_metrics(struct client *client, int argc, char **argv, GError **error)
{
    g_autoptr(json_object) manager = NULL, integrations = NULL;
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    if (r <= 0)
        return r;
    if (bus_get_manager(client, &manager, error) < 0 ||
        bus_get_integrations(client, &integrations, error) < 0 ||
        fetches_fill_all(client, integrations, error) < 0)
        return -1;
    print_head("keyturn_info", "The version of keyturnd.");
    printf("keyturn_info{version=\"%s\",mode=\"%s\"} 1\n", dict_text(manager, "Version"),
           dict_text(manager, "Mode"));
    print_head("keyturn_keyring_unlocked", "1 if the keyring is there and unlocked.");
    printf("keyturn_keyring_unlocked %d\n", strcmp(dict_text(manager, "KeyringState"), "unlocked") == 0);
    for (size_t gauge = 0; gauge < G_N_ELEMENTS(gauges); gauge++)
        print_gauge(gauge, integrations);
    print_states(integrations);
    return 0;
}
