/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One pending note per (integration, holder); the event loop writes all of them in one transaction. */
#include "daemon/accounting.h"

#include "daemon/holders.h"
#include "daemon/io/journal.h"
#include "daemon/newcomers.h"

#define GATHER USEC_PER_SEC

/* So many writes at once may come together; one a second in the long run. A service's start needs one, and
 * whoever starts process after process gets no more than whoever fetches again and again. */
#define CREDIT_MAX 16
#define WATCHED_MAX 128 /* processes of an integration */

struct note {
    char *integration;
    char *caller;
    struct holder *holder; /* with the count to add */
    bool is_new;           /* the ledger has no such (holder, generation) yet */
    bool is_news;          /* nor one of the same program or unit: a line of the history */
};

struct accounting {
    struct daemon *daemon;
    GPtrArray *notes;
    struct newcomers *newcomers;
    unsigned credit; /* writes at once */
    usec_t credited_at;
    sd_event_source *at_once;
    sd_event_source *gathered;
};

static void note_free(void *data)
{
    struct note *note = data;

    g_free(note->integration);
    g_free(note->caller);
    holder_free(note->holder);
    g_free(note);
}

/* Its texts are the note's and the entry's. */
static struct ledger_event *event_new(const struct note *note, const struct entry *entry)
{
    const struct ledger_key *key = entry_current(entry);
    struct ledger_event *event = g_new0(struct ledger_event, 1);

    *event = (struct ledger_event){
        .time = note->holder->last_at,
        .integration = note->integration,
        .event = "fetched",
        .key_id = key != NULL ? key->id : NULL,
        .last4 = key != NULL ? key->last4 : NULL,
        .caller = note->caller,
        .caller_unit = note->holder->unit,
    };
    return event;
}

static void note_newcomers(struct accounting *accounting)
{
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < accounting->notes->len; i++) {
        const struct note *note = accounting->notes->pdata[i];
        const struct entry *entry = registry_find(accounting->daemon->registry, note->integration);

        if (note->is_news && entry != NULL && newcomers_add(accounting->newcomers, note->integration))
            g_ptr_array_add(events, event_new(note, entry));
    }
    daemon_note_many(accounting->daemon, LOG_INFO, (const struct ledger_event *const *)events->pdata,
                     events->len);
}

/* Who came back by itself, or by a person's hand, has the key now. */
static void look_at_unit(struct daemon *daemon, struct entry *entry, const struct holder *holder)
{
    if (entry->unit_trouble != NULL && g_strcmp0(entry->troubled_unit, holder->unit) == 0 &&
        holder->last_at > entry->troubled_at)
        daemon_unit_trouble(daemon, entry, NULL, NULL);
}

static void announce(struct accounting *accounting, const struct note *note)
{
    struct entry *entry = registry_find(accounting->daemon->registry, note->integration);

    if (entry == NULL)
        return;
    if (note->is_new)
        holders_sweep_many(accounting->daemon, entry);
    look_at_unit(accounting->daemon, entry, note->holder);
    accounting->daemon->news->fetched(entry, accounting->daemon->news_userdata);
}

static int write_notes(struct accounting *accounting)
{
    g_autofree struct ledger_fetch *fetches = g_new0(struct ledger_fetch, accounting->notes->len + 1);
    int r;

    if (accounting->notes->len == 0)
        return 0;
    for (guint i = 0; i < accounting->notes->len; i++) {
        const struct note *note = accounting->notes->pdata[i];
        fetches[i] = (struct ledger_fetch){.integration = note->integration, .holder = note->holder};
    }
    r = ledger_note_fetches(accounting->daemon->ledger, fetches, accounting->notes->len);
    if (r < 0) {
        journal_send(LOG_ERR, NULL, (const char *[]){NULL},
                     "fetches can't be noted in the ledger, trying again: %s", g_strerror(-r));
        return r;
    }
    note_newcomers(accounting);
    for (guint i = 0; i < accounting->notes->len; i++)
        announce(accounting, accounting->notes->pdata[i]);
    g_ptr_array_set_size(accounting->notes, 0);
    return 0;
}

static int arm(struct accounting *accounting, usec_t span)
{
    int r = sd_event_source_set_time_relative(accounting->gathered, span);

    return r < 0 ? r : sd_event_source_set_enabled(accounting->gathered, SD_EVENT_ONESHOT);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct accounting *accounting = userdata;

    if (write_notes(accounting) < 0)
        arm(accounting, 10 * GATHER);
    return 0;
}

static int on_defer(sd_event_source *source, void *userdata)
{
    return on_time(source, 0, userdata);
}

struct accounting *accounting_new(struct daemon *daemon)
{
    struct accounting *accounting = g_new0(struct accounting, 1);

    accounting->daemon = daemon;
    accounting->notes = g_ptr_array_new_with_free_func(note_free);
    accounting->newcomers = newcomers_new(daemon);
    accounting->credit = CREDIT_MAX;
    if (accounting->newcomers == NULL ||
        sd_event_add_time_relative(daemon->event, &accounting->gathered, CLOCK_MONOTONIC, GATHER, 0, on_time,
                                   accounting) < 0 ||
        sd_event_source_set_enabled(accounting->gathered, SD_EVENT_OFF) < 0 ||
        sd_event_add_defer(daemon->event, &accounting->at_once, on_defer, accounting) < 0 ||
        sd_event_source_set_enabled(accounting->at_once, SD_EVENT_OFF) < 0)
        return accounting_free(accounting);
    return accounting;
}

struct accounting *accounting_free(struct accounting *accounting)
{
    if (accounting == NULL)
        return NULL;
    write_notes(accounting);
    newcomers_free(accounting->newcomers);
    sd_event_source_disable_unref(accounting->at_once);
    sd_event_source_disable_unref(accounting->gathered);
    g_ptr_array_unref(accounting->notes);
    g_free(accounting);
    return NULL;
}

static struct note *find_note(struct accounting *accounting, const char *integration,
                              const struct holder *holder)
{
    for (guint i = 0; i < accounting->notes->len; i++) {
        struct note *note = accounting->notes->pdata[i];

        if (g_strcmp0(note->integration, integration) == 0 && holder_is_same(note->holder, holder) &&
            note->holder->generation == holder->generation)
            return note;
    }
    return NULL;
}

/* Of a hidden process nothing but its number can be looked at later, and that may be another's by then. */
static void watch(struct entry *entry, struct holder *row)
{
    unsigned watched = 0;

    if (*row->unit != '\0' || row->start_time != 0)
        return;
    for (guint i = 0; i < entry->holders->len; i++)
        watched += ((const struct holder *)entry->holders->pdata[i])->watch != NULL;
    if (watched < WATCHED_MAX)
        row->watch = process_watch_new(row->pid);
}

/* The entry's own row; true if this pair of holder and generation is new. */
static bool note_in_memory(struct entry *entry, const struct holder *holder)
{
    struct holder *row = entry_holder(entry, holder);

    if (row == NULL) {
        row = holder_copy(holder);
        watch(entry, row);
        g_ptr_array_add(entry->holders, row);
        return true;
    }
    row->last_at = holder->last_at;
    row->count++;
    if (row->generation == holder->generation)
        return false;
    row->generation = holder->generation;
    row->first_at = holder->last_at;
    return true;
}

/* A program that runs every minute is not news every minute. */
static bool is_news(const struct entry *entry, const struct holder *holder)
{
    for (guint i = 0; i < entry->holders->len; i++) {
        const struct holder *row = entry->holders->pdata[i];

        if (row->generation == holder->generation && row->uid == holder->uid &&
            g_strcmp0(row->unit, holder->unit) == 0 && g_strcmp0(row->command, holder->command) == 0)
            return false;
    }
    return true;
}

static bool take_credit(struct accounting *accounting)
{
    usec_t now;

    if (sd_event_now(accounting->daemon->event, CLOCK_MONOTONIC, &now) < 0)
        return false;
    if (now >= usec_add(accounting->credited_at, USEC_PER_SEC)) {
        accounting->credit =
            (unsigned)MIN(CREDIT_MAX, accounting->credit + (now - accounting->credited_at) / USEC_PER_SEC);
        accounting->credited_at = now;
    }
    if (accounting->credit == 0)
        return false;
    accounting->credit--;
    return true;
}

static void write_later(struct accounting *accounting, bool at_once)
{
    if (sd_event_source_get_enabled(accounting->at_once, NULL) > 0)
        return;
    if (at_once && take_credit(accounting))
        sd_event_source_set_enabled(accounting->at_once, SD_EVENT_ONESHOT);
    else if (sd_event_source_get_enabled(accounting->gathered, NULL) == 0)
        arm(accounting, GATHER);
}

void accounting_fetched(struct accounting *accounting, struct entry *entry, const struct holder *holder,
                        const char *caller)
{
    const struct ledger_key *key = entry_current(entry);
    struct holder *fetch = holder_copy(holder);
    struct note *note;

    fetch->generation = key != NULL ? key->generation : 0;
    fetch->first_at = fetch->last_at = clock_now();
    fetch->count = 1;
    entry->last_fetched_at = fetch->last_at;
    g_free(entry->last_fetched_by);
    entry->last_fetched_by = g_strdup(caller);
    note = find_note(accounting, entry->definition->name, fetch);
    if (note != NULL) {
        note_in_memory(entry, fetch);
        note->holder->last_at = fetch->last_at;
        note->holder->count++;
        holder_free(fetch);
        return;
    }
    note = g_new0(struct note, 1);
    note->integration = g_strdup(entry->definition->name);
    note->caller = g_strdup(caller);
    note->holder = fetch;
    note->is_news = is_news(entry, fetch);
    note->is_new = note_in_memory(entry, fetch);
    g_ptr_array_add(accounting->notes, note);
    write_later(accounting, note->is_new);
}

void accounting_forget(struct accounting *accounting, const char *integration)
{
    for (guint i = accounting->notes->len; i-- > 0;) {
        const struct note *note = accounting->notes->pdata[i];

        if (g_strcmp0(note->integration, integration) == 0)
            g_ptr_array_remove_index(accounting->notes, i);
    }
}
