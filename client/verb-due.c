/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn due: which keys' time has come, or is about to. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"
#include "client/when.h"

#define SOMETHING_DUE 1
#define FAILED 2

static void print_due(json_object *i, guint64 now)
{
    guint64 due = dict_number(i, "DueAt");
    g_autofree char *relative = when_relative(due, now), *day = when_second(due);
    bool person = strcmp(dict_text(i, "Management"), "dashboard") == 0;
    const char *state = dict_text(i, "RotationState");

    printf("%s%s%s due %s, %s%s%s%s\n", colour_on(COLOUR_BOLD), dict_text(i, "Name"), colour_off(COLOUR_BOLD),
           relative, day, strcmp(state, "idle") != 0 ? ", " : "", strcmp(state, "idle") != 0 ? state : "",
           person ? ", by a person in the dashboard" : "");
}

static json_object *select_due(json_object *integrations, guint64 until)
{
    json_object *due = json_object_new_array();

    for (size_t n = 0; n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);
        guint64 at = dict_number(i, "DueAt");

        if (at > 0 && at <= until)
            json_object_array_add(due, json_object_get(i));
    }
    return due;
}

static int show(struct client *client, guint64 within, size_t *ret_n, GError **error)
{
    g_autoptr(json_object) integrations = NULL, due = NULL;
    guint64 now = when_now();

    if (bus_get_integrations(client, &integrations, error) < 0)
        return -1;
    due = select_due(integrations, within > G_MAXUINT64 - now ? G_MAXUINT64 : now + within);
    *ret_n = json_object_array_length(due);
    if (client->json) {
        g_autoptr(json_object) output = dicts_to_output(due);
        output_json(output);
        return 0;
    }
    for (size_t i = 0; i < *ret_n; i++)
        print_due(json_object_array_get_idx(due, i), now);
    return 0;
}

int verb_due(struct client *client, int argc, char **argv, GError **error)
{
    gboolean exit_code = FALSE;
    g_autofree char *text = NULL;
    const GOptionEntry entries[] = {
        {"within", 0, 0, G_OPTION_ARG_STRING, &text, "Also what is due in this time, such as 14d", "SPAN"},
        {"exit-code", 0, 0, G_OPTION_ARG_NONE, &exit_code, "End in 1 if something is due, in 2 on failure",
         NULL},
        {NULL},
    };
    int r = options_parse(client, argc, argv, entries, 0, 0, error);
    guint64 within = 0;
    size_t n;

    if (r <= 0)
        return r;
    if (text && when_parse_span(text, &within) < 0) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "--within %s is no span: try 14d or 12h", text);
        return -1;
    }
    if (show(client, within, &n, error) < 0)
        return exit_code ? FAILED : -1;
    return exit_code && n > 0 ? SOMETHING_DUE : 0;
}
