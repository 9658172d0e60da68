/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an integration's properties read to a person. */
#include "client/integration.h"

#include "client/dict.h"

#include <string.h>

#define DAY (24 * 3600 * (guint64)G_USEC_PER_SEC)
#define HOUR (3600 * (guint64)G_USEC_PER_SEC)

static const struct {
    const char *state;
    const char *meaning;
    enum colour colour;
} states[] = {
    {"idle", "nothing to do", COLOUR_GREEN},
    {"planned", "looking the old key up", COLOUR_YELLOW},
    {"creating", "creating a key at HueChat", COLOUR_YELLOW},
    {"reconciling", "finding out whether HueChat made the key", COLOUR_YELLOW},
    {"stored", "the new key is in the keyring; testing it", COLOUR_YELLOW},
    {"verified", "the new key works; switching to it", COLOUR_YELLOW},
    {"draining", "the new key is in use; waiting until nobody uses the old one", COLOUR_YELLOW},
    {"deleting", "deleting the old key at HueChat", COLOUR_YELLOW},
    {"deleted", "the old key is deleted; making sure that it is dead", COLOUR_YELLOW},
    {"rolling-back", "deleting the new key, the old one stays", COLOUR_YELLOW},
    {"awaiting-key", "a person has to create a key in the dashboard", COLOUR_RED},
    {"awaiting-deletion", "a person has to delete the old key in the dashboard", COLOUR_RED},
    {"held", "it waits for keyturn resume or keyturn rollback", COLOUR_RED},
};

bool integration_is_due(json_object *integration, guint64 now)
{
    guint64 due = dict_number(integration, "DueAt");

    return due > 0 && due <= now;
}

bool integration_needs_person(json_object *integration)
{
    const char *state = dict_text(integration, "RotationState");

    return strcmp(state, "held") == 0 || g_str_has_prefix(state, "awaiting-") ||
           *dict_text(integration, "Attention");
}

/* Short, for columns: "23d", "5h", "3min". */
static char *short_span(guint64 span)
{
    if (span >= 2 * DAY)
        return g_strdup_printf("%" G_GUINT64_FORMAT "d", span / DAY);
    if (span >= HOUR)
        return g_strdup_printf("%" G_GUINT64_FORMAT "h", span / HOUR);
    return g_strdup_printf("%" G_GUINT64_FORMAT "min", span / (60 * (guint64)G_USEC_PER_SEC));
}

char *integration_age(json_object *integration, unsigned width, guint64 now)
{
    guint64 created = dict_number(integration, "CreatedAt"), whole = dict_number(integration, "RotateAfter");
    guint64 age = now > created ? now - created : 0;
    g_autofree char *bar = NULL, *age_text = short_span(age), *whole_text = short_span(whole);

    if (created == 0)
        return g_strdup("-");
    if (whole == G_MAXUINT64 || whole == 0)
        return g_strdup_printf("%s, no end", age_text);
    bar = bar_new(age, whole, width, g_get_charset(NULL));
    return g_strdup_printf("%s %s of %s", bar, age_text, whole_text);
}

enum colour integration_age_colour(json_object *integration, guint64 now)
{
    guint64 due = dict_number(integration, "DueAt");

    if (due == 0)
        return COLOUR_NONE;
    if (due <= now)
        return COLOUR_RED;
    return due - now < 14 * DAY ? COLOUR_YELLOW : COLOUR_GREEN;
}

const char *integration_state(json_object *integration, guint64 now)
{
    const char *state = dict_text(integration, "RotationState");

    if (strcmp(state, "idle") != 0)
        return state;
    if (*dict_text(integration, "Attention"))
        return "attention";
    if (!*dict_text(integration, "Last4"))
        return "no key";
    return integration_is_due(integration, now) ? "due" : "ok";
}

enum colour integration_state_colour(json_object *integration)
{
    const char *state = dict_text(integration, "RotationState");

    if (*dict_text(integration, "Attention"))
        return COLOUR_RED;
    if (!*dict_text(integration, "Last4"))
        return COLOUR_YELLOW;
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
        if (strcmp(states[i].state, state) == 0)
            return states[i].colour;
    return COLOUR_NONE;
}

const char *integration_state_meaning(const char *state)
{
    for (size_t i = 0; i < G_N_ELEMENTS(states); i++)
        if (strcmp(states[i].state, state) == 0)
            return states[i].meaning;
    return "";
}

char *integration_permissions(json_object *integration)
{
    if (strcmp(dict_text(integration, "Access"), "full") == 0)
        return g_strdup("full access");
    return dict_join(integration, "Permissions", " ");
}
