/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn log: the history, and what is added to it. */
#include <stdio.h>
#include <string.h>

#include "client/bus.h"
#include "client/follow.h"
#include "client/history.h"
#include "client/options.h"
#include "client/verbs.h"
#include "client/when.h"

#define POLL_USEC (5 * G_USEC_PER_SEC)

/* Fetches are gathered: an entry may be that much older than one that was there before it. */
#define LATE_USEC (5 * G_USEC_PER_SEC)

/* Where the log has come to: the newest time, and the entries not much older that are printed already. */
struct tail {
    guint64 time;
    GHashTable *printed;
};

static void tail_clear(struct tail *tail)
{
    g_hash_table_unref(tail->printed);
}

static guint64 tail_start(const struct tail *tail)
{
    return tail->time > LATE_USEC ? tail->time - LATE_USEC : 0;
}

static gboolean is_past(gpointer text, gpointer time, gpointer start)
{
    return *(const guint64 *)time < *(const guint64 *)start;
}

/* Whether the entry is news. */
static bool tail_add(struct tail *tail, json_object *entry)
{
    guint64 time = dict_number(entry, "Time"), start;

    if (time > tail->time) {
        tail->time = time;
        start = tail_start(tail);
        g_hash_table_foreach_remove(tail->printed, is_past, &start);
    }
    return time >= tail_start(tail) &&
           g_hash_table_insert(tail->printed, g_strdup(json_object_to_json_string(entry)),
                               g_memdup2(&time, sizeof time));
}

static int print_news(struct client *client, const char *name, guint64 since, struct tail *tail,
                      GError **error)
{
    g_autoptr(json_object) history = NULL;

    if (bus_get_history(client, name, MAX(since, tail_start(tail)), &history, error) < 0)
        return -1;
    for (size_t i = 0; i < json_object_array_length(history); i++) {
        json_object *entry = json_object_array_get_idx(history, i);

        if (tail_add(tail, entry))
            history_print(entry, client->json);
    }
    return 0;
}

static int follow(struct client *client, const char *name, guint64 since, struct tail *tail, GError **error)
{
    if (follow_start(client, NULL, NULL, error) < 0)
        return -1;
    for (;;) {
        if (print_news(client, name, since, tail, error) < 0 || follow_wait(client, POLL_USEC, error) < 0)
            return -1;
    }
}

static int parse_since(const char *text, guint64 *ret_since, GError **error)
{
    guint64 span;

    if (when_parse(text, ret_since) == 0)
        return 0;
    if (when_parse_span(text, &span) < 0) {
        g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
                    "--since %s is no date and no span: try 2026-11-24, or 2d", text);
        return -1;
    }
    *ret_since = when_now() > span ? when_now() - span : 0;
    return 0;
}

int verb_log(struct client *client, int argc, char **argv, GError **error)
{
    __attribute__((cleanup(tail_clear))) struct tail tail = {
        .printed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
    };
    gboolean following = FALSE;
    g_autofree char *since_text = NULL;
    const GOptionEntry entries[] = {
        {"follow", 'f', 0, G_OPTION_ARG_NONE, &following, "Go on, with what is added", NULL},
        {"since", 0, 0, G_OPTION_ARG_STRING, &since_text, "Only what is newer than a date or a span", "TIME"},
        {NULL},
    };
    int r = options_parse(client, argc, argv, entries, 0, 1, error);
    guint64 since = 0;
    const char *name;

    if (r <= 0)
        return r;
    if (since_text && parse_since(since_text, &since, error) < 0)
        return -1;
    name = client->argc > 0 ? client->argv[0] : "";
    if (print_news(client, name, since, &tail, error) < 0)
        return -1;
    return following ? follow(client, name, since, &tail, error) : 0;
}
