/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rotations under way, followed to their ends. Signals only wake: what counts is what the properties say
 * then, so one that is lost, or a restart of keyturnd, does no harm. */
#include "client/progress.h"

#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/follow.h"
#include "client/integration.h"
#include "client/output.h"
#include "client/when.h"

#define POLL_USEC (10 * G_USEC_PER_SEC)

struct one {
    char *name;
    char *old_key;
    char *state;     /* as last printed */
    char *attention; /* likewise */
    bool ended;
};

struct progress {
    struct client *client;
    GPtrArray *all; /* struct one */
};

static void one_free(void *pointer)
{
    struct one *one = pointer;

    g_free(one->name);
    g_free(one->old_key);
    g_free(one->state);
    g_free(one->attention);
    g_free(one);
}

int progress_new(struct client *client, struct progress **ret_progress, GError **error)
{
    struct progress *progress;

    if (follow_start(client, NULL, NULL, error) < 0)
        return -1;
    progress = g_new0(struct progress, 1);
    progress->client = client;
    progress->all = g_ptr_array_new_with_free_func(one_free);
    *ret_progress = progress;
    return 0;
}

struct progress *progress_free(struct progress *progress)
{
    if (progress)
        g_ptr_array_unref(progress->all);
    g_free(progress);
    return NULL;
}

/* What tells one key from another: ids, or without them the last 4 characters and the generation. */
static char *identify_key(json_object *i)
{
    const char *id = dict_text(i, "KeyId");

    return *id ? g_strdup(id)
               : g_strdup_printf("%s %" G_GUINT64_FORMAT, dict_text(i, "Last4"),
                                 dict_number(i, "Generation"));
}

int progress_add(struct progress *progress, const char *name, GError **error)
{
    g_autoptr(json_object) i = NULL;
    struct one *one;

    if (bus_get_integration(progress->client, name, &i, error) < 0)
        return -1;
    one = g_new0(struct one, 1);
    one->name = g_strdup(name);
    one->old_key = identify_key(i);
    g_ptr_array_add(progress->all, one);
    return 0;
}

void progress_drop(struct progress *progress, const char *name)
{
    for (guint n = 0; n < progress->all->len; n++)
        if (strcmp(((struct one *)g_ptr_array_index(progress->all, n))->name, name) == 0) {
            g_ptr_array_remove_index(progress->all, n);
            return;
        }
}

static void print_state(const struct progress *progress, const struct one *one, json_object *i)
{
    /* Of what is held the failure tells. */
    const char *attention = strcmp(one->state, "held") == 0 ? "" : one->attention,
               *meaning = integration_state_meaning(one->state);
    g_autofree char *iso = when_iso(when_now()), *time = when_second(when_now());

    if (progress->client->json) {
        g_autoptr(json_object) line = json_object_new_object();
        json_object_object_add(line, "time", json_object_new_string(iso));
        json_object_object_add(line, "name", json_object_new_string(one->name));
        json_object_object_add(line, "state", json_object_new_string(one->state));
        json_object_object_add(line, "attention", json_object_new_string(attention));
        output_json_line(line);
        return;
    }
    printf("%s%s%s %s%s%s %s%s%s%s%s%s%s\n", colour_on(COLOUR_DIM), time, colour_off(COLOUR_DIM),
           colour_on(COLOUR_BOLD), one->name, colour_off(COLOUR_BOLD), colour_on(integration_state_colour(i)),
           one->state, colour_off(integration_state_colour(i)), *meaning ? ": " : "", meaning,
           *attention ? "; " : "", attention);
    fflush(stdout);
}

/* Why an ended rotation ended without another key: the last that was said of it. */
static char *find_reason(struct client *client, const char *name)
{
    g_autoptr(json_object) history = NULL;
    g_autoptr(GError) error = NULL;

    if (bus_get_history(client, name, 0, &history, &error) < 0)
        return g_strdup_printf("and its history can't be read (%s)", error->message);
    for (size_t n = json_object_array_length(history); n-- > 0;) {
        json_object *entry = json_object_array_get_idx(history, n);

        if (*dict_text(entry, "Rotation") && *dict_text(entry, "Message"))
            return g_strdup(dict_text(entry, "Message"));
    }
    return g_strdup("");
}

/* Returns 0, or -1 with error set if the rotation has ended badly. */
static int judge(struct progress *progress, struct one *one, json_object *i, GError **error)
{
    g_autofree char *key = identify_key(i), *reason = NULL;

    if (strcmp(one->state, "held") == 0) {
        one->ended = true;
        return client_fail(error, "%s is held: %s", one->name,
                           *dict_text(i, "Attention") ? dict_text(i, "Attention") : "see keyturn status");
    }
    if (strcmp(one->state, "idle") != 0)
        return 0;
    one->ended = true;
    if (strcmp(key, one->old_key) != 0) {
        if (!progress->client->json)
            printf("%s: the key is now …%s\n", one->name, dict_text(i, "Last4"));
        return 0;
    }
    reason = find_reason(progress->client, one->name);
    return client_fail(error, "%s still has its old key%s%s: see keyturn log %s", one->name,
                       *reason ? ", " : "", reason, one->name);
}

/* Whether there is something that has not been printed. */
static bool take_news(struct one *one, json_object *i)
{
    const char *state = dict_text(i, "RotationState"), *attention = dict_text(i, "Attention");

    if (g_strcmp0(state, one->state) == 0 && g_strcmp0(attention, one->attention) == 0)
        return false;
    g_free(one->state);
    g_free(one->attention);
    one->state = g_strdup(state);
    one->attention = g_strdup(attention);
    return true;
}

static int look(struct progress *progress, struct one *one, GError **error)
{
    g_autoptr(json_object) i = NULL;

    if (bus_get_integration(progress->client, one->name, &i, error) < 0) {
        one->ended = true;
        return -1;
    }
    if (!take_news(one, i))
        return 0;
    if (strcmp(one->state, "idle") != 0)
        print_state(progress, one, i);
    return judge(progress, one, i, error);
}

/* Returns whether all have ended; counts those that ended badly, after telling why. */
static bool look_at_all(struct progress *progress, unsigned *failed)
{
    bool all_ended = true;

    for (guint n = 0; n < progress->all->len; n++) {
        struct one *one = g_ptr_array_index(progress->all, n);
        g_autoptr(GError) error = NULL;

        if (!one->ended && look(progress, one, &error) < 0) {
            client_report(error);
            (*failed)++;
        }
        all_ended = all_ended && one->ended;
    }
    return all_ended;
}

unsigned progress_wait(struct progress *progress)
{
    g_autoptr(GError) error = NULL;
    unsigned failed = 0;

    while (!look_at_all(progress, &failed))
        if (follow_wait(progress->client, POLL_USEC, &error) < 0) {
            client_report(error);
            return failed + 1;
        }
    return failed;
}
