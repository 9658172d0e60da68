/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A number or two of each integration, and the timer of a minute. */
#include "daemon/newcomers.h"

#include "daemon/util/clock.h"

struct newcomers {
    struct daemon *daemon;
    GHashTable *numbers; /* struct number of an integration, by its name */
    sd_event_source *minute;
};

struct number {
    unsigned told;
    uint64_t more;
};

static void note_more(struct daemon *daemon, const char *integration, uint64_t more)
{
    g_autofree char *message = g_strdup_printf(
        "fetched %" G_GUINT64_FORMAT " more times, by more programs than are told apart", more);

    daemon_note(daemon, LOG_INFO,
                &(struct ledger_event){.time = clock_now(),
                                       .integration = integration,
                                       .event = "fetched",
                                       .message = message,
                                       .count = more});
}

static void end_minute(struct newcomers *newcomers)
{
    GHashTableIter each;
    gpointer name, number;

    g_hash_table_iter_init(&each, newcomers->numbers);
    while (g_hash_table_iter_next(&each, &name, &number)) {
        uint64_t more = ((const struct number *)number)->more;

        if (more > 0)
            note_more(newcomers->daemon, name, more);
        g_hash_table_iter_remove(&each);
    }
}

static int on_minute(sd_event_source *source, uint64_t usec, void *userdata)
{
    end_minute(userdata);
    return 0;
}

struct newcomers *newcomers_new(struct daemon *daemon)
{
    struct newcomers *newcomers = g_new0(struct newcomers, 1);

    newcomers->daemon = daemon;
    newcomers->numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (sd_event_add_time_relative(daemon->event, &newcomers->minute, CLOCK_MONOTONIC, USEC_PER_MINUTE,
                                   USEC_PER_SEC, on_minute, newcomers) < 0 ||
        sd_event_source_set_enabled(newcomers->minute, SD_EVENT_OFF) < 0)
        return newcomers_free(newcomers);
    return newcomers;
}

struct newcomers *newcomers_free(struct newcomers *newcomers)
{
    if (newcomers == NULL)
        return NULL;
    end_minute(newcomers);
    sd_event_source_disable_unref(newcomers->minute);
    g_hash_table_destroy(newcomers->numbers);
    g_free(newcomers);
    return NULL;
}

static struct number *number_of(struct newcomers *newcomers, const char *integration)
{
    struct number *number = g_hash_table_lookup(newcomers->numbers, integration);

    if (number != NULL)
        return number;
    if (g_hash_table_size(newcomers->numbers) == 0) {
        sd_event_source_set_time_relative(newcomers->minute, USEC_PER_MINUTE);
        sd_event_source_set_enabled(newcomers->minute, SD_EVENT_ONESHOT);
    }
    number = g_new0(struct number, 1);
    g_hash_table_insert(newcomers->numbers, g_strdup(integration), number);
    return number;
}

bool newcomers_add(struct newcomers *newcomers, const char *integration)
{
    struct number *number = number_of(newcomers, integration);

    if (number->told >= NEWCOMERS_TOLD) {
        number->more++;
        return false;
    }
    number->told++;
    return true;
}
