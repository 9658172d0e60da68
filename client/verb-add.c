/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn add: defines an integration. What the settings mean, and whether they hold, keyturnd decides. */
#include <stdio.h>

#include "client/bus.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/output.h"
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

/* NULL and an empty list are left to keyturnd's default. */
static int append_text(sd_bus_message *m, const char *name, const char *text)
{
    return text ? sd_bus_message_append(m, "{sv}", name, "s", text) : 0;
}

static int append_texts(sd_bus_message *m, const char *name, char **texts)
{
    int r = 0;

    if (!texts)
        return 0;
    r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(m, texts);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_all(sd_bus_message *m, const struct settings *s)
{
    g_auto(GStrv) scopes = s->scopes ? split_commas(s->scopes) : NULL;
    const struct {
        const char *name;
        const char *text;
    } texts[] = {
        {"Environment", s->environment},
        {"Access", s->full ? "full" : "custom"},
        {"Management", s->dashboard ? "dashboard" : NULL},
        {"RotateAfter", s->rotate_after},
        {"Overlap", s->overlap},
        {"MaxOverlap", s->max_overlap},
        {"OnStillUsed", s->on_still_used},
        {"Delivery", s->delivery},
    };
    const struct {
        const char *name;
        char **texts;
    } lists[] = {
        {"Permissions", scopes},      {"Allow", s->allow},      {"ReloadUnits", s->reload},
        {"RestartUnits", s->restart}, {"StartUnits", s->start},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(texts); i++)
        r = append_text(m, texts[i].name, texts[i].text);
    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(lists); i++)
        r = append_texts(m, lists[i].name, lists[i].texts);
    if (r >= 0 && s->no_issue)
        r = sd_bus_message_append(m, "{sv}", "Issue", "b", 0);
    return r;
}

static int send_settings(struct client *client, const char *name, const struct settings *s, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL;
    int r;

    if (bus_new_call(client, "AddIntegration", &call, error) < 0)
        return -1;
    r = sd_bus_message_append(call, "s", name);
    if (r >= 0)
        r = sd_bus_message_open_container(call, 'a', "{sv}");
    if (r >= 0)
        r = append_all(call, s);
    if (r >= 0)
        r = sd_bus_message_close_container(call);
    if (r < 0)
        return client_fail(error, "this can't be sent over the bus (%s): use plain UTF-8", g_strerror(-r));
    return bus_send_waiting(client, call, "waiting for HueChat ...", error);
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
    if (client_check_environment(s.environment, error) < 0 ||
        send_settings(client, client->argv[0], &s, error) < 0)
        return -1;
    return tell(client, client->argv[0], &s, error);
}
