/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One timer on the wall clock (which also goes on in suspend) and one look at everything. The timer never
 * waits longer than an hour, since a clock may be set back. */
#include "daemon/schedule.h"

#include "daemon/core/errors.h"
#include "daemon/io/journal.h"
#include "daemon/rotate.h"

#define HEARTBEAT (15 * USEC_PER_MINUTE)
#define SHORTEST (10 * USEC_PER_MSEC)
#define AT_ONCE 8 /* rotations by age between plan and swap, in one environment */

struct schedule {
    struct daemon *daemon;
    sd_event_source *timer;
    sd_event_source *heartbeat;
    sd_event_source *look;
    usec_t next_rotation;
};

struct due {
    struct daemon *daemon;
    usec_t now;
    usec_t next; /* the earliest due date of all */
    usec_t wake; /* when to look again */
    unsigned starting[ENVIRONMENT_COUNT];
};

static void count_starting(struct entry *entry, void *userdata)
{
    struct due *due = userdata;
    const struct rotation *rotation = rotator_find(due->daemon->rotator, entry->definition->name);

    if (rotation != NULL && !rotation_is_swapped(rotation) && rotation->cause == CAUSE_AGE &&
        rotation->state != ROTATION_HELD)
        due->starting[entry->definition->environment]++;
}

static bool can_start(struct due *due, const struct entry *entry)
{
    enum environment environment = entry->definition->environment;

    if (entry->is_undefined || rotator_find(due->daemon->rotator, entry->definition->name) != NULL)
        return false;
    if (entry->definition->managed_by == MANAGED_BY_DASHBOARD)
        return true;
    return keyring_get_state(due->daemon->keyring) == KEYRING_UNLOCKED &&
           !due->daemon->refused[environment] && daemon_management(due->daemon, environment) != NULL &&
           due->starting[environment] < AT_ONCE;
}

static void start(struct due *due, struct entry *entry)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rid =
        rotate_begin(due->daemon, entry, entry->secret_missing ? CAUSE_LOST : CAUSE_AGE, &error);

    if (rid != NULL) {
        due->starting[entry->definition->environment]++;
        return;
    }
    entry->retry_at = usec_add(due->now, USEC_PER_MINUTE);
    journal_send(LOG_WARNING, NULL, (const char *[]){"KEYTURN_INTEGRATION", entry->definition->name, NULL},
                 "%s is due, but no rotation can start: %s", entry->definition->name, error->message);
}

/* The one more rotation that --compromised asked for while another was running. */
static void start_again(struct due *due, struct entry *entry)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rid = rotate_begin(due->daemon, entry, CAUSE_COMPROMISED, &error);

    if (rid != NULL) {
        g_clear_pointer(&entry->again, g_free);
        return;
    }
    journal_send(LOG_WARNING, NULL, (const char *[]){"KEYTURN_INTEGRATION", entry->definition->name, NULL},
                 "%s: the rotation that was asked for can't start: %s", entry->definition->name,
                 error->message);
    due->wake = MIN(due->wake, usec_add(due->now, USEC_PER_MINUTE));
}

static bool is_rotated(const struct daemon *daemon, const struct entry *entry)
{
    return !entry_is_management(entry) ||
           daemon->config->api[entry->definition->environment].rotate_management_key;
}

static void look_at(struct entry *entry, void *userdata)
{
    struct due *due = userdata;
    usec_t at = is_rotated(due->daemon, entry) ? entry_due_at(entry) : USEC_INFINITY;

    if (entry->again != NULL && rotator_find(due->daemon->rotator, entry->definition->name) == NULL) {
        start_again(due, entry);
        return;
    }
    if (rotate_leftover(due->daemon, entry))
        return;
    if (at > due->now) {
        due->next = MIN(due->next, at);
        due->wake = MIN(due->wake, at);
        return;
    }
    if (!entry->due_told && !entry_is_management(entry)) {
        entry->due_told = true;
        due->daemon->news->rotation_due(entry, at, due->daemon->news_userdata);
    }
    if (entry->retry_at > due->now)
        due->wake = MIN(due->wake, entry->retry_at);
    else if (can_start(due, entry))
        start(due, entry);
    due->next = MIN(due->next, MAX(entry->retry_at, at));
}

static int look(sd_event_source *source, void *userdata)
{
    struct schedule *schedule = userdata;
    struct daemon *daemon = schedule->daemon;
    struct due due = {.daemon = daemon, .now = clock_now(), .next = USEC_INFINITY, .wake = USEC_INFINITY};
    usec_t next;

    rotator_tick(daemon->rotator);
    registry_each(daemon->registry, true, count_starting, &due);
    registry_each(daemon->registry, true, look_at, &due);
    next = due.next == USEC_INFINITY ? 0 : due.next;
    if (next != schedule->next_rotation) {
        schedule->next_rotation = next;
        daemon->news->next_rotation_changed(daemon->news_userdata);
    }
    due.wake = MIN(due.wake, rotator_next(daemon->rotator));
    sd_event_source_set_time(schedule->timer, MAX(due.wake, usec_add(due.now, SHORTEST)));
    sd_event_source_set_enabled(schedule->timer, due.wake == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
    sd_event_source_set_time_relative(schedule->heartbeat, HEARTBEAT);
    return sd_event_source_set_enabled(schedule->heartbeat, SD_EVENT_ONESHOT);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    return look(source, userdata);
}

struct schedule *schedule_new(struct daemon *daemon)
{
    struct schedule *schedule = g_new0(struct schedule, 1);

    schedule->daemon = daemon;
    if (sd_event_add_time(daemon->event, &schedule->timer, CLOCK_REALTIME, 0, 20 * USEC_PER_MSEC, on_time,
                          schedule) < 0 ||
        sd_event_source_set_enabled(schedule->timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_defer(daemon->event, &schedule->look, look, schedule) < 0 ||
        sd_event_source_set_enabled(schedule->look, SD_EVENT_OFF) < 0 ||
        sd_event_add_time_relative(daemon->event, &schedule->heartbeat, CLOCK_BOOTTIME, HEARTBEAT,
                                   USEC_PER_MINUTE, on_time, schedule) < 0)
        return schedule_free(schedule);
    return schedule;
}

struct schedule *schedule_free(struct schedule *schedule)
{
    if (schedule == NULL)
        return NULL;
    sd_event_source_disable_unref(schedule->timer);
    sd_event_source_disable_unref(schedule->heartbeat);
    sd_event_source_disable_unref(schedule->look);
    g_free(schedule);
    return NULL;
}

void schedule_look_again(struct daemon *daemon)
{
    sd_event_source_set_enabled(daemon->schedule->look, SD_EVENT_ONESHOT);
}

void schedule_key_is_new(struct daemon *daemon, struct entry *entry)
{
    int r = 0;

    entry->secret_missing = false;
    entry->due_told = false;
    if (entry->retry_at != 0)
        r = ledger_set_retry(daemon->ledger, entry->definition->name, 0);
    if (r < 0)
        journal_send(LOG_WARNING, NULL, (const char *[]){NULL}, "%s: the ledger can't be written: %s",
                     entry->definition->name, g_strerror(-r));
    entry->retry_at = 0;
}

void schedule_pause(struct daemon *daemon, enum environment environment)
{
    struct entry *entry = registry_find(daemon->registry, management_name(environment));
    g_autofree char *reason = NULL;

    daemon->refused[environment] = true;
    reason = daemon_environment_trouble(daemon, environment);
    daemon_attention(daemon, entry, reason);
    daemon_environment_changed(daemon, environment);
}

usec_t schedule_next_rotation(const struct schedule *schedule)
{
    return schedule->next_rotation;
}
