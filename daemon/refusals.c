/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tally, what of it is to be told at once, and two event sources. */
#include "daemon/refusals.h"

#include "daemon/core/tally.h"
#include "daemon/util/clock.h"

/* Of the end of a minute. */
#define ACCURACY USEC_PER_SEC

struct refusals {
    struct daemon *daemon;
    struct tally *tally;
    GPtrArray *whole; /* struct ledger_event, to be told at once */
    sd_event_source *at_once;
    sd_event_source *minute;
};

static void event_free(void *data)
{
    struct ledger_event *event = data;

    g_free((char *)event->integration);
    g_free((char *)event->message);
    g_free((char *)event->caller);
    g_free((char *)event->caller_unit);
    g_free(event);
}

/* Takes message and caller. */
static struct ledger_event *event_new(const char *integration, char *message, char *caller, const char *unit)
{
    struct ledger_event *event = g_new0(struct ledger_event, 1);

    *event = (struct ledger_event){.time = clock_now(),
                                   .integration = g_strdup(integration),
                                   .event = "refused",
                                   .message = message,
                                   .caller = caller,
                                   .caller_unit = g_strdup(unit)};
    return event;
}

static void note_events(struct refusals *refusals, GPtrArray *events)
{
    daemon_note_many(refusals->daemon, LOG_WARNING, (const struct ledger_event *const *)events->pdata,
                     events->len);
    g_ptr_array_set_size(events, 0);
}

/* 1234567 -> "1,234,567". The caller frees it (g_free). */
static char *group_digits(uint64_t number)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%" G_GUINT64_FORMAT, number);
    for (gssize at = (gssize)text->len - 3; at > 0; at -= 3)
        g_string_insert_c(text, at, ',');
    return g_string_free(text, FALSE);
}

static char *describe_count(const struct tally_count *count)
{
    g_autofree char *number = group_digits(count->count);
    const char *times = count->count == 1 ? "time" : "times";

    switch (count->scope) {
    case TALLY_OF_KIND:
        return g_strdup_printf("refused %s more %s: %s", number, times, count->kind.rule);
    case TALLY_OF_UID:
        return g_strdup_printf("refused %s more %s, of more kinds than are told apart", number, times);
    case TALLY_OF_ALL:
        return g_strdup_printf("refused %s more %s, more users than are told apart", number, times);
    }
    return NULL;
}

static char *describe_uid(const struct tally_count *count)
{
    const char *unit = count->kind.unit != NULL ? count->kind.unit : "";
    const char *comma = *unit != '\0' ? ", " : "";

    if (count->scope == TALLY_OF_ALL)
        return g_strdup("further users");
    if (count->kind.uid == (uid_t)-1)
        return g_strdup_printf("an unknown caller%s%s", comma, unit);
    return g_strdup_printf("uid %u%s%s", (unsigned)count->kind.uid, comma, unit);
}

static void append_count(const struct tally_count *count, void *userdata)
{
    const char *integration = count->kind.integration != NULL ? count->kind.integration : "";
    struct ledger_event *event =
        event_new(integration, describe_count(count), describe_uid(count), count->kind.unit);

    event->count = count->count;
    g_ptr_array_add(userdata, event);
}

static void end_minute(struct refusals *refusals)
{
    g_autoptr(GPtrArray) counts = g_ptr_array_new_with_free_func(event_free);

    tally_end(refusals->tally, append_count, counts);
    note_events(refusals, counts);
}

static void begin_minute(struct refusals *refusals)
{
    sd_event_source_set_time_relative(refusals->minute, USEC_PER_MINUTE);
    sd_event_source_set_enabled(refusals->minute, SD_EVENT_ONESHOT);
}

static int on_minute(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct refusals *refusals = userdata;

    end_minute(refusals);
    if (tally_remembers(refusals->tally))
        begin_minute(refusals);
    return 0;
}

static int on_defer(sd_event_source *source, void *userdata)
{
    struct refusals *refusals = userdata;

    note_events(refusals, refusals->whole);
    return 0;
}

struct refusals *refusals_new(struct daemon *daemon)
{
    struct refusals *refusals = g_new0(struct refusals, 1);

    refusals->daemon = daemon;
    refusals->tally = tally_new();
    refusals->whole = g_ptr_array_new_with_free_func(event_free);
    if (sd_event_add_time_relative(daemon->event, &refusals->minute, CLOCK_MONOTONIC, USEC_PER_MINUTE,
                                   ACCURACY, on_minute, refusals) < 0 ||
        sd_event_source_set_enabled(refusals->minute, SD_EVENT_OFF) < 0 ||
        sd_event_add_defer(daemon->event, &refusals->at_once, on_defer, refusals) < 0 ||
        sd_event_source_set_enabled(refusals->at_once, SD_EVENT_OFF) < 0)
        return refusals_free(refusals);
    return refusals;
}

struct refusals *refusals_free(struct refusals *refusals)
{
    if (refusals == NULL)
        return NULL;
    note_events(refusals, refusals->whole);
    end_minute(refusals);
    sd_event_source_disable_unref(refusals->at_once);
    sd_event_source_disable_unref(refusals->minute);
    g_ptr_array_unref(refusals->whole);
    tally_free(refusals->tally);
    g_free(refusals);
    return NULL;
}

void refusals_note(struct refusals *refusals, const struct refusal *refusal)
{
    const struct tally_kind kind = {refusal->uid, refusal->unit, refusal->integration, refusal->rule};

    if (tally_is_empty(refusals->tally))
        begin_minute(refusals);
    if (!tally_add(refusals->tally, &kind))
        return;
    g_ptr_array_add(refusals->whole, event_new(refusal->integration, g_strdup(refusal->message),
                                               g_strdup(refusal->caller), refusal->unit));
    sd_event_source_set_enabled(refusals->at_once, SD_EVENT_ONESHOT);
}
