/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn remind: what the timer runs. It tells the journal and the desktop what a person has to do, each
 * thing once a threshold, and every day once it is overdue. What has been told is noted in one file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-journal.h>

#include "client/bus.h"
#include "client/health.h"
#include "client/lib/cleanup.h"
#include "client/options.h"
#include "client/reminded.h"
#include "client/verbs.h"
#include "client/when.h"

static const unsigned thresholds[] = {1, 7, 14}; /* days */

/* Which telling this is: a threshold's days, or today's date for what is overdue or out of order. */
static char *occasion(json_object *i, guint64 now)
{
    guint64 due = dict_number(i, "DueAt");
    bool orderly = strcmp(dict_text(i, "Management"), "dashboard") == 0 &&
                   strcmp(dict_text(i, "RotationState"), "idle") == 0 && !*dict_text(i, "Attention");

    for (size_t n = 0; orderly && due > now && n < G_N_ELEMENTS(thresholds); n++)
        if (due - now <= thresholds[n] * HEALTH_DAY)
            return g_strdup_printf("%u", thresholds[n]);
    return when_day(now);
}

/* The service of the desktop, if there is one. Returns 1, 0 without a desktop, or -1 with error set. */
static int notify(struct client *client, const char *summary, const char *body, enum health health,
                  GError **error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *call = NULL;
    g_autofree char *escaped = g_markup_escape_text(body, -1); /* desktops take it for markup */
    int r;

    if (client->system)
        return 0;
    r = sd_bus_message_new_method_call(client->bus, &call, "org.freedesktop.Notifications",
                                       "/org/freedesktop/Notifications", "org.freedesktop.Notifications",
                                       "Notify");
    if (r >= 0)
        r = sd_bus_message_append(call, "susssasa{sv}i", "keyturn", 0, "dialog-password", summary, escaped, 0,
                                  1, "urgency", "y", health == HEALTH_CRITICAL ? 2 : 1, -1);
    if (r >= 0)
        r = sd_bus_call(client->bus, call, 10 * G_USEC_PER_SEC, &bus_error, NULL);
    if (r >= 0)
        return 1;
    if (sd_bus_error_has_name(&bus_error, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
        sd_bus_error_has_name(&bus_error, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return 0;
    return client_fail(error, "the desktop takes no notification (%s): it is in the journal",
                       bus_error.message ? bus_error.message : g_strerror(-r));
}

static void tell(struct client *client, const char *name, const char *why, enum health health)
{
    g_autofree char *summary = g_strdup_printf("API key of %s", name);
    g_autofree char *line = g_strdup_printf("%s: %s: see keyturn status %s", name, why, name);
    g_autoptr(GError) error = NULL;

    sd_journal_send("MESSAGE=%s", line, "PRIORITY=%d", health == HEALTH_CRITICAL ? 3 : 4,
                    "KEYTURN_INTEGRATION=%s", name, NULL);
    /* Run by its timer, standard output is the journal too. */
    if (!getenv("JOURNAL_STREAM"))
        printf("%s\n", line);
    if (notify(client, summary, why, health, &error) < 0)
        client_report(error);
}

static void remind_of(struct client *client, json_object *i, struct reminded *reminded, guint64 now)
{
    const char *name = dict_text(i, "Name");
    g_autofree char *why = NULL, *when = NULL;
    enum health health = health_of(i, now, 14 * HEALTH_DAY, HEALTH_DAY, &why);

    if (health == HEALTH_OK)
        return;
    when = occasion(i, now);
    if (reminded_add(reminded, name, dict_number(i, "DueAt"), when))
        tell(client, name, why, health);
}

int verb_remind(struct client *client, int argc, char **argv, GError **error)
{
    _cleanup_reminded_ struct reminded *reminded = NULL;
    g_autoptr(json_object) integrations = NULL;
    int r = options_parse(client, argc, argv, NULL, 0, 0, error);

    if (r <= 0)
        return r;
    if (bus_get_integrations(client, &integrations, error) < 0 ||
        reminded_load(client->system, &reminded, error) < 0)
        return -1;
    for (size_t n = 0; n < json_object_array_length(integrations); n++)
        remind_of(client, json_object_array_get_idx(integrations, n), reminded, when_now());
    return reminded_save(reminded, error);
}
