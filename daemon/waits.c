/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of who waits; the settled ones are called from the event loop, never from inside a rotation's step.
 */
#include "daemon/waits.h"

#include <glib.h>

struct wait {
    char *rid;
    enum wait_until until;
    wait_fn fn;
    void *userdata;
    bool settled;
    enum wait_outcome outcome;
    char *reason;
};

struct waits {
    GPtrArray *list;
    sd_event_source *source;
};

static void wait_free(void *data)
{
    struct wait *wait = data;

    g_free(wait->rid);
    g_free(wait->reason);
    g_free(wait);
}

static struct wait *take_settled(struct waits *waits)
{
    for (guint i = 0; i < waits->list->len; i++) {
        struct wait *wait = waits->list->pdata[i];
        if (wait->settled)
            return g_ptr_array_steal_index(waits->list, i);
    }
    return NULL;
}

static int call_settled(sd_event_source *source, void *userdata)
{
    struct waits *waits = userdata;
    struct wait *wait;

    while ((wait = take_settled(waits)) != NULL) {
        wait->fn(wait->outcome, wait->reason, wait->userdata);
        wait_free(wait);
    }
    return 0;
}

struct waits *waits_new(sd_event *event)
{
    struct waits *waits = g_new0(struct waits, 1);

    waits->list = g_ptr_array_new_with_free_func(wait_free);
    if (sd_event_add_defer(event, &waits->source, call_settled, waits) < 0 ||
        sd_event_source_set_enabled(waits->source, SD_EVENT_OFF) < 0)
        return waits_free(waits);
    return waits;
}

struct waits *waits_free(struct waits *waits)
{
    if (waits == NULL)
        return NULL;
    sd_event_source_disable_unref(waits->source);
    g_ptr_array_unref(waits->list);
    g_free(waits);
    return NULL;
}

void waits_add(struct waits *waits, const char *rid, enum wait_until until, wait_fn fn, void *userdata)
{
    struct wait *wait = g_new0(struct wait, 1);

    *wait = (struct wait){.rid = g_strdup(rid), .until = until, .fn = fn, .userdata = userdata};
    g_ptr_array_add(waits->list, wait);
}

static bool settle(const struct rotation *rotation, enum wait_until until, enum wait_outcome *ret)
{
    switch ((enum rotation_state)rotation->state) {
    case ROTATION_ABORTED:
        *ret = OUTCOME_ABORTED;
        return true;
    case ROTATION_DONE:
        *ret = OUTCOME_DONE;
        return true;
    case ROTATION_AWAITING_KEY:
        *ret = OUTCOME_OPEN;
        return rotation->new_key == 0; /* else it is being stored */
    case ROTATION_HELD:
    case ROTATION_RECONCILING:
    case ROTATION_AWAITING_DELETION:
        *ret = OUTCOME_OPEN;
        return true;
    case ROTATION_DRAINING:
    case ROTATION_DELETING:
    case ROTATION_DELETED:
        *ret = OUTCOME_DONE;
        return until == WAIT_SWAPPED;
    case ROTATION_PLANNED:
    case ROTATION_CREATING:
    case ROTATION_STORED:
    case ROTATION_VERIFIED:
    case ROTATION_ROLLING_BACK:
        break;
    }
    return false;
}

static void settle_wait(struct waits *waits, struct wait *wait, const char *reason)
{
    wait->settled = true;
    wait->reason = g_strdup(reason);
    sd_event_source_set_enabled(waits->source, SD_EVENT_ONESHOT);
}

void waits_look(struct waits *waits, const struct rotation *rotation)
{
    for (guint i = 0; i < waits->list->len; i++) {
        struct wait *wait = waits->list->pdata[i];

        if (!wait->settled && g_strcmp0(wait->rid, rotation->rid) == 0 &&
            settle(rotation, wait->until, &wait->outcome))
            settle_wait(waits, wait, rotation->reason);
    }
}

void waits_stuck(struct waits *waits, const char *rid, const char *reason)
{
    for (guint i = 0; i < waits->list->len; i++) {
        struct wait *wait = waits->list->pdata[i];

        if (wait->settled || g_strcmp0(wait->rid, rid) != 0)
            continue;
        wait->outcome = OUTCOME_OPEN;
        settle_wait(waits, wait, reason);
    }
}
