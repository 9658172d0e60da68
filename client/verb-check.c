/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn check: a plugin for a monitoring system. Whatever goes wrong is UNKNOWN. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/health.h"
#include "client/options.h"
#include "client/output.h"
#include "client/verbs.h"
#include "client/when.h"
#include "daemon/util/text.h"

#define UNKNOWN 3
#define WARN_DEFAULT (14 * HEALTH_DAY)
#define CRIT_DEFAULT (3 * HEALTH_DAY)

static const char *const words[] = {
    [HEALTH_OK] = "OK",
    [HEALTH_WARNING] = "WARNING",
    [HEALTH_CRITICAL] = "CRITICAL",
};

struct result {
    unsigned n[HEALTH_CRITICAL + 1];
    GString *lines[HEALTH_CRITICAL + 1];
    guint64 next_due;
    guint64 now;
};

static void result_init(struct result *result)
{
    *result = (struct result){.now = when_now()};
    for (unsigned h = 0; h <= HEALTH_CRITICAL; h++)
        result->lines[h] = g_string_new(NULL);
}

static void result_clear(struct result *result)
{
    for (unsigned h = 0; h <= HEALTH_CRITICAL; h++)
        if (result->lines[h])
            g_string_free(result->lines[h], TRUE);
}

static void add_line(struct result *result, enum health health, const char *name, const char *why)
{
    GString *lines = result->lines[health];

    result->n[health]++;
    if (health != HEALTH_OK)
        g_string_append_printf(lines, "%s%s: %s", lines->len > 0 ? "; " : "", name, why);
}

static int judge_all(struct client *client, guint64 warn, guint64 crit, struct result *result, GError **error)
{
    g_autoptr(json_object) manager = NULL, integrations = NULL;
    const char *keyring;

    if (bus_get_manager(client, &manager, error) < 0 ||
        bus_get_integrations(client, &integrations, error) < 0)
        return -1;
    for (size_t n = 0; n < json_object_array_length(integrations); n++) {
        json_object *i = json_object_array_get_idx(integrations, n);
        guint64 due = dict_number(i, "DueAt");
        g_autofree char *why = NULL;
        enum health health = health_of(i, result->now, warn, crit, &why);

        add_line(result, health, dict_text(i, "Name"), why);
        if (due > 0 && (result->next_due == 0 || due < result->next_due))
            result->next_due = due;
    }
    keyring = dict_text(manager, "KeyringState");
    if (strcmp(keyring, "unlocked") != 0)
        add_line(result, HEALTH_WARNING, "keyring", keyring);
    return 0;
}

static enum health worst(const struct result *result)
{
    return result->n[HEALTH_CRITICAL] > 0  ? HEALTH_CRITICAL
           : result->n[HEALTH_WARNING] > 0 ? HEALTH_WARNING
                                           : HEALTH_OK;
}

/* A bar would end the text, and begin the perfdata. */
static char *join_lines(const struct result *result)
{
    const char *critical = result->lines[HEALTH_CRITICAL]->str, *warning = result->lines[HEALTH_WARNING]->str;
    char *text = g_strconcat(critical, *critical && *warning ? "; " : "", warning, NULL);

    return g_strdelimit(text, "|\n", ' ');
}

static void print_json(const struct result *result, const char *text)
{
    g_autoptr(json_object) output = json_object_new_object();
    g_autofree char *due = when_iso(result->next_due);

    json_object_object_add(output, "status", json_object_new_string(words[worst(result)]));
    json_object_object_add(output, "message", json_object_new_string(text));
    json_object_object_add(output, "ok", json_object_new_int64(result->n[HEALTH_OK]));
    json_object_object_add(output, "warning", json_object_new_int64(result->n[HEALTH_WARNING]));
    json_object_object_add(output, "critical", json_object_new_int64(result->n[HEALTH_CRITICAL]));
    json_object_object_add(output, "next_due_at", due ? json_object_new_string(due) : NULL);
    output_json(output);
}

static void print_line(const struct result *result, const char *text)
{
    unsigned ok = result->n[HEALTH_OK], warning = result->n[HEALTH_WARNING],
             critical = result->n[HEALTH_CRITICAL];
    g_autofree char *next = when_relative(result->next_due, result->now);

    printf("KEYTURN %s - ", words[worst(result)]);
    if (*text)
        printf("%s", text);
    else if (result->next_due > 0)
        printf("%u well, next due %s", ok, next);
    else
        printf("%u well, none due", ok);
    printf(" | ok=%u;;;0 warning=%u;;;0 critical=%u;;;0", ok, warning, critical);
    if (result->next_due > 0)
        printf(" next_due=%" G_GINT64_FORMAT "s",
               ((gint64)result->next_due - (gint64)result->now) / G_USEC_PER_SEC);
    printf("\n");
}

static int parse_threshold(const char *option, const char *text, guint64 *ret_span, GError **error)
{
    if (!text || when_parse_span(text, ret_span) == 0)
        return 0;
    return client_fail(error, "%s %s is no span: try 14d", option, text);
}

/* Returns the exit status, or -1 with error set. */
static int check(struct client *client, int argc, char **argv, GError **error)
{
    g_autofree char *warn_text = NULL, *crit_text = NULL, *text = NULL;
    const GOptionEntry entries[] = {
        {"warn", 0, 0, G_OPTION_ARG_STRING, &warn_text, "Warn this long before a key is due, else 14d",
         "SPAN"},
        {"crit", 0, 0, G_OPTION_ARG_STRING, &crit_text, "Critical this long before, else 3d", "SPAN"},
        {NULL},
    };
    __attribute__((cleanup(result_clear))) struct result result = {0};
    guint64 warn = WARN_DEFAULT, crit = CRIT_DEFAULT;
    int r = options_parse(client, argc, argv, entries, 0, 0, error);

    if (r <= 0)
        return r;
    result_init(&result);
    if (parse_threshold("--warn", warn_text, &warn, error) < 0 ||
        parse_threshold("--crit", crit_text, &crit, error) < 0 ||
        judge_all(client, warn, crit, &result, error) < 0)
        return -1;
    text = join_lines(&result);
    if (client->json)
        print_json(&result, text);
    else
        print_line(&result, text);
    return worst(&result);
}

int verb_check(struct client *client, int argc, char **argv, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autofree char *message = NULL;
    int r = check(client, argc, argv, &local);

    if (r >= 0)
        return r;
    message = text_printable(g_strdelimit(local->message, "|\n", ' '), TEXT_MESSAGE_MAX);
    printf("KEYTURN UNKNOWN - %s\n", message);
    return UNKNOWN;
}
