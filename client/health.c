/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How urgent an integration is to a person. */
#include "client/health.h"

#include <string.h>

#include "client/dict.h"
#include "client/when.h"

static guint64 add(guint64 time, guint64 span)
{
    return span > G_MAXUINT64 - time ? G_MAXUINT64 : time + span;
}

static char *say_due(guint64 due, guint64 now)
{
    g_autofree char *relative = when_relative(due, now);

    return g_strconcat(due <= now ? "overdue, it was due " : "due ", relative, NULL);
}

static enum health of_dashboard(json_object *i, guint64 now, guint64 warn, guint64 crit, char **ret_why)
{
    const char *state = dict_text(i, "RotationState");
    guint64 due = dict_number(i, "DueAt"), overlap = dict_number(i, "Overlap");

    if (strcmp(state, "awaiting-deletion") == 0) {
        *ret_why = g_strdup("its old key is still to be deleted in the dashboard");
        return now > add(add(dict_number(i, "CreatedAt"), overlap), overlap) ? HEALTH_CRITICAL
                                                                             : HEALTH_WARNING;
    }
    if (strcmp(state, "awaiting-key") == 0) {
        *ret_why = g_strdup("a new key is to be created in the dashboard");
        return due <= now ? HEALTH_CRITICAL : HEALTH_WARNING;
    }
    if (due == 0 || due > add(now, warn))
        return HEALTH_OK;
    *ret_why = say_due(due, now);
    return due <= add(now, crit) ? HEALTH_CRITICAL : HEALTH_WARNING;
}

/* Rotation starts when a key is due, and has an Overlap to get done: only then is it late. */
static enum health of_api(json_object *i, guint64 now, char **ret_why)
{
    guint64 due = dict_number(i, "DueAt");

    if (due == 0 || add(due, dict_number(i, "Overlap")) > now)
        return HEALTH_OK;
    *ret_why = say_due(due, now);
    return HEALTH_WARNING;
}

enum health health_of(json_object *i, guint64 now, guint64 warn, guint64 crit, char **ret_why)
{
    const char *attention = dict_text(i, "Attention"), *state = dict_text(i, "RotationState");
    bool held = strcmp(state, "held") == 0;
    enum health health;

    *ret_why = NULL;
    if (strcmp(dict_text(i, "Management"), "dashboard") == 0)
        health = of_dashboard(i, now, warn, crit, ret_why);
    else
        health = of_api(i, now, ret_why);
    if (held || *attention)
        health = MAX(health, HEALTH_WARNING);
    /* keyturnd's own words say what to do. */
    if (*attention || (held && !*ret_why)) {
        g_free(*ret_why);
        *ret_why = g_strdup(*attention ? attention : "held");
    }
    return health;
}
