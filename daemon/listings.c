/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A line an environment: who is served by the listing under way, and who waits for the next one. What it says
 * of current keys is noted on the way, once. */
#include "daemon/listings.h"

#include <string.h>

#define CLOCK_SLACK (24 * USEC_PER_HOUR) /* between the parts of HueChat */

struct waiter {
    provider_done_fn fn;
    void *userdata;
};

struct line {
    struct listings *listings;
    enum environment environment;
    enum provider_priority priority; /* of the most urgent that waits */
    bool is_running;
    GArray *now, *next; /* struct waiter */
    GHashTable *ids;    /* of the last whole list */
};

struct listings {
    struct daemon *daemon;
    bool is_closed;
    struct line lines[ENVIRONMENT_COUNT];
};

struct listings *listings_new(struct daemon *daemon)
{
    struct listings *listings = g_new0(struct listings, 1);

    listings->daemon = daemon;
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        listings->lines[i] = (struct line){
            .listings = listings,
            .environment = (enum environment)i,
            .priority = PRIORITY_BACKGROUND,
            .now = g_array_new(FALSE, FALSE, sizeof(struct waiter)),
            .next = g_array_new(FALSE, FALSE, sizeof(struct waiter)),
            .ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        };
    return listings;
}

static void tell(GArray *waiters, struct provider_result *result)
{
    for (guint i = 0; i < waiters->len; i++) {
        struct waiter waiter = g_array_index(waiters, struct waiter, i);

        waiter.fn(result, waiter.userdata);
    }
    g_array_set_size(waiters, 0);
}

static void tell_unsent(GArray *waiters)
{
    struct provider_result none = {
        .answer = {.message = (char *)"there is no management key: keyturn login"}};

    tell(waiters, &none);
}

/* What was told is kept as the latest use, for ever: not so a time that is ahead of HueChat's own clock. */
static usec_t latest_use(const struct ledger_key *key, const struct remote_key *remote, usec_t date)
{
    bool makes_sense = date == 0 || remote->last_used_at <= usec_add(date, CLOCK_SLACK);

    return makes_sense ? MAX(key->last_used_at, remote->last_used_at) : key->last_used_at;
}

/* HueChat's last-used times and permissions are news even where no rotation needs them. */
static void note_key(struct daemon *daemon, struct entry *entry, const struct remote_key *remote, usec_t date)
{
    struct ledger_key *key = entry_current(entry);
    g_autofree char *permissions = remote_key_permissions(remote);
    usec_t used = latest_use(key, remote, date);

    if (used == key->last_used_at && g_strcmp0(permissions, key->permissions) == 0)
        return;
    key->last_used_at = used;
    g_free(key->permissions);
    key->permissions = g_steal_pointer(&permissions);
    if (ledger_update_key(daemon->ledger, key, NULL) == 0)
        daemon->news->changed(entry, daemon->news_userdata);
}

struct notes {
    struct daemon *daemon;
    const struct provider_result *result;
};

static void note_entry(struct entry *entry, void *userdata)
{
    const struct notes *notes = userdata;
    const struct ledger_key *key = entry_current(entry);

    for (size_t i = 0; key != NULL && key->id != NULL && i < notes->result->n_keys; i++) {
        const struct remote_key *remote = &notes->result->keys[i];

        if (strcmp(remote->id, key->id) == 0 && remote->type == key->environment) {
            note_key(notes->daemon, entry, remote, notes->result->answer.date);
            return;
        }
    }
}

static void note_ids(struct line *line, const struct provider_result *result)
{
    g_hash_table_remove_all(line->ids);
    for (size_t i = 0; i < result->n_keys; i++)
        g_hash_table_add(line->ids, g_strdup(result->keys[i].id));
}

bool listings_showed(const struct listings *listings, enum environment environment, const char *id)
{
    return g_hash_table_contains(listings->lines[environment].ids, id);
}

static void begin(struct line *line);

/* Who asks again from inside waits for the next one, together with all others. */
static void listed(struct provider_result *result, void *userdata)
{
    struct line *line = userdata;
    struct daemon *daemon = line->listings->daemon;

    if (result->counts)
        note_ids(line, result);
    if (result->counts)
        registry_each(daemon->registry, true, note_entry, &(struct notes){daemon, result});
    tell(line->now, result);
    line->is_running = false;
    begin(line);
}

static void begin(struct line *line)
{
    struct daemon *daemon = line->listings->daemon;
    const struct secret *management = daemon_management(daemon, line->environment);
    enum provider_priority priority = line->priority;
    GArray *empty = line->now;

    if (line->is_running || line->next->len == 0 || line->listings->is_closed)
        return;
    line->is_running = true;
    line->now = line->next;
    line->next = empty;
    line->priority = PRIORITY_BACKGROUND;
    if (management != NULL) {
        provider_list(daemon->providers[line->environment], priority, management, listed, line);
        return;
    }
    tell_unsent(line->now);
    line->is_running = false;
}

void listings_ask(struct listings *listings, enum environment environment, enum provider_priority priority,
                  provider_done_fn fn, void *userdata)
{
    struct line *line = &listings->lines[environment];
    struct waiter waiter = {fn, userdata};

    g_array_append_val(line->next, waiter);
    line->priority = MIN(line->priority, priority);
    begin(line);
}

void listings_close(struct listings *listings)
{
    listings->is_closed = true;
}

struct listings *listings_free(struct listings *listings)
{
    if (listings == NULL)
        return NULL;
    for (int i = 0; i < ENVIRONMENT_COUNT; i++) {
        tell_unsent(listings->lines[i].next);
        g_array_unref(listings->lines[i].now);
        g_array_unref(listings->lines[i].next);
        g_hash_table_unref(listings->lines[i].ids);
    }
    g_free(listings);
    return NULL;
}
