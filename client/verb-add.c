/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn add: defines an integration. What the settings mean, and whether they hold, keyturnd decides. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/bus.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/output.h"
#include "client/removal.h"
#include "client/settings.h"
#include "client/verbs.h"

struct settings {
    char *environment;
    char **scopes;
    gboolean full;
    gboolean dashboard;
    gboolean no_issue;
    char *rotate_after;
    char *overlap;
    char *max_overlap;
    char *on_still_used;
    char *delivery;
    char **allow;
    char **reload;
    char **restart;
    char **start;
};

static void settings_clear(struct settings *s)
{
    g_free(s->environment);
    g_free(s->rotate_after);
    g_free(s->overlap);
    g_free(s->max_overlap);
    g_free(s->on_still_used);
    g_free(s->delivery);
    g_strfreev(s->scopes);
    g_strfreev(s->allow);
    g_strfreev(s->reload);
    g_strfreev(s->restart);
    g_strfreev(s->start);
}

/* Options that may be repeated also take commas, but for rules, which keep theirs. */
static char **split_commas(char **texts)
{
    g_autofree char *joined = g_strjoinv(",", texts);

    return g_strsplit(joined, ",", -1);
}

/* What is not given is left to keyturnd's default. */
static json_object *to_object(const struct settings *s)
{
    g_auto(GStrv) scopes = s->scopes ? split_commas(s->scopes) : NULL;
    json_object *object = json_object_new_object();

    settings_set_text(object, "Environment", s->environment);
    settings_set_text(object, "Access", s->full ? "full" : "custom");
    settings_set_text(object, "Management", s->dashboard ? "dashboard" : NULL);
    settings_set_text(object, "RotateAfter", s->rotate_after);
    settings_set_text(object, "Overlap", s->overlap);
    settings_set_text(object, "MaxOverlap", s->max_overlap);
    settings_set_text(object, "OnStillUsed", s->on_still_used);
    settings_set_text(object, "Delivery", s->delivery);
    settings_set_list(object, "Permissions", scopes);
    settings_set_list(object, "Allow", s->allow);
    settings_set_list(object, "ReloadUnits", s->reload);
    settings_set_list(object, "RestartUnits", s->restart);
    settings_set_list(object, "StartUnits", s->start);
    return object;
}

static int send_settings(struct client *client, const char *name, json_object *settings, bool no_issue,
                         GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL;
    int r;

    if (bus_new_call(client, "AddIntegration", &call, error) < 0)
        return -1;
    r = sd_bus_message_append(call, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = settings_append(call, settings);
    if (r >= 0 && no_issue)
        r = sd_bus_message_append(call, "{sv}", "Issue", "b", 0);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r < 0)
        return client_fail(error, "this can't be sent over the bus (%s): use plain UTF-8", g_strerror(-r));
    return bus_send_waiting(client, call, "waiting for HueChat ...", error);
}

/* After a failure: whether keyturnd has it, or may have it, with a key or with one under way. */
static bool may_have_key(struct client *client, const char *name, const GError *failure)
{
    g_autoptr(json_object) properties = NULL;
    g_autoptr(GError) error = NULL;

    if (g_error_matches(failure, CLIENT_ERROR, CLIENT_UNSURE))
        return true;
    if (bus_get_integration(client, name, &properties, &error) < 0)
        return !g_error_matches(error, CLIENT_ERROR, CLIENT_ABSENT);
    return *dict_text(properties, "Last4") || strcmp(dict_text(properties, "RotationState"), "idle") != 0;
}

/* Nothing came of it: neither file nor integration stays. */
static void take_back(struct client *client, const struct definitions *definitions, const char *name,
                      const char *file)
{
    g_autoptr(GError) error = NULL;
    int r = removal_run(client, definitions, name, false, &error);

    if (r < 0 && g_error_matches(error, CLIENT_ERROR, CLIENT_ABSENT)) {
        g_clear_error(&error);
        r = definitions_delete(definitions, file, &error);
    }
    if (r < 0)
        client_report(error);
}

static int check_unknown(struct client *client, const char *name, GError **error)
{
    g_autoptr(json_object) properties = NULL;
    g_autoptr(GError) failure = NULL;

    if (bus_get_integration(client, name, &properties, &failure) == 0)
        return client_fail(error, "there is an integration %s already: keyturn edit %s changes it", name,
                           name);
    if (g_error_matches(failure, CLIENT_ERROR, CLIENT_ABSENT))
        return 0;
    g_propagate_error(error, g_steal_pointer(&failure));
    return -1;
}

/* The file first: one without a key is an integration that waits for its first one. */
static int add_as_root(struct client *client, const char *name, json_object *settings, bool no_issue,
                       GError **error)
{
    __attribute__((cleanup(definitions_clear))) struct definitions definitions = DEFINITIONS_NONE;
    g_autofree char *file = definitions_file(name, error), *text = NULL;
    g_autoptr(GError) failure = NULL;

    if (!file || definitions_open(true, &definitions, error) < 0 || check_unknown(client, name, error) < 0)
        return -1;
    text = settings_to_text(name, settings, true, error);
    if (!text || definitions_write(&definitions, file, text, true, error) < 0)
        return -1;
    if (send_settings(client, name, settings, no_issue, &failure) == 0)
        return 0;
    if (may_have_key(client, name, failure))
        return client_fail(error, "%s (its file stays: %s/%s)", failure->message, definitions.path, file);
    take_back(client, &definitions, name, file);
    g_propagate_error(error, g_steal_pointer(&failure));
    return -1;
}

/* In system mode units stand in root's files alone, and root's command writes them. */
static int add(struct client *client, const char *name, const struct settings *s, GError **error)
{
    g_autoptr(json_object) settings = to_object(s);

    if (client->system && geteuid() == 0 && settings_have_units(settings))
        return add_as_root(client, name, settings, s->no_issue, error);
    return send_settings(client, name, settings, s->no_issue, error);
}

static int tell(struct client *client, const char *name, const struct settings *s, GError **error)
{
    g_autoptr(json_object) properties = NULL;
    const char *last4;

    if (bus_get_integration(client, name, &properties, error) < 0)
        return -1;
    if (client->json) {
        g_autoptr(json_object) output = dict_to_output(properties);
        output_json(output);
        return 0;
    }
    last4 = dict_text(properties, "Last4");
    if (*last4)
        printf("%s has its first key, …%s. Fetch it with: keyturn get %s\n", name, last4, name);
    else if (s->dashboard)
        printf("%s is defined. Create a key for it in HueChat's dashboard, then: keyturn import %s\n", name,
               name);
    else
        printf("%s is defined, without a key. Issue one with: keyturn rotate %s; or take one in with: "
               "keyturn import "
               "%s\n",
               name, name, name);
    return 0;
}

int verb_add(struct client *client, int argc, char **argv, GError **error)
{
    __attribute__((cleanup(settings_clear))) struct settings s = {0};
    const GOptionEntry entries[] = {
        {"env", 0, 0, G_OPTION_ARG_STRING, &s.environment, "live or test; can't be changed later", "ENV"},
        {"scope", 0, 0, G_OPTION_ARG_STRING_ARRAY, &s.scopes,
         "A permission, such as contacts:read; repeatable", "SCOPE"},
        {"full", 0, 0, G_OPTION_ARG_NONE, &s.full, "Full access, instead of scopes", NULL},
        {"rotate-after", 0, 0, G_OPTION_ARG_STRING, &s.rotate_after, "Age of a key at its end, else 90d",
         "SPAN"},
        {"overlap", 0, 0, G_OPTION_ARG_STRING, &s.overlap, "How long both keys work, else 24h", "SPAN"},
        {"max-overlap", 0, 0, G_OPTION_ARG_STRING, &s.max_overlap,
         "The same while the old key is used, else 7d", "SPAN"},
        {"on-still-used", 0, 0, G_OPTION_ARG_STRING, &s.on_still_used, "hold or delete, after that", "WHAT"},
        {"delivery", 0, 0, G_OPTION_ARG_STRING, &s.delivery,
         "any or pipe; pipe: never as a string on the bus", "HOW"},
        {"allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &s.allow,
         "Who may fetch: user:X, unit:X, group:X; repeatable", "RULE"},
        {"reload", 0, 0, G_OPTION_ARG_STRING_ARRAY, &s.reload, "A unit to reload after a change; repeatable",
         "UNIT"},
        {"restart", 0, 0, G_OPTION_ARG_STRING_ARRAY, &s.restart,
         "A unit to restart after a change; repeatable", "UNIT"},
        {"start", 0, 0, G_OPTION_ARG_STRING_ARRAY, &s.start, "A unit to start after a change; repeatable",
         "UNIT"},
        {"dashboard", 0, 0, G_OPTION_ARG_NONE, &s.dashboard, "A person makes and deletes the keys", NULL},
        {"no-issue", 0, 0, G_OPTION_ARG_NONE, &s.no_issue, "Only define it, without a first key", NULL},
        {NULL},
    };
    int r = options_parse(client, argc, argv, entries, 1, 1, error);

    if (r <= 0)
        return r;
    if (!s.environment || s.full == (s.scopes != NULL)) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "%s",
                    !s.environment ? "no environment is given: add --env live or --env test"
                                   : "either scopes or full access: give --scope SCOPE or --full");
        return -1;
    }
    if (client_check_environment(s.environment, error) < 0 || add(client, client->argv[0], &s, error) < 0)
        return -1;
    return tell(client, client->argv[0], &s, error);
}
