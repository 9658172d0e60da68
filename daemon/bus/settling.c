/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A queue and a timer. */
#include "daemon/bus/settling.h"

#define PATIENCE (10 * USEC_PER_SEC)

struct held {
    sd_bus_message *call;
    authority_act act;
};

struct settling {
    struct service *service;
    GQueue *queue; /* struct held */
    sd_event_source *timer;
};

static void held_free(void *data)
{
    struct held *held = data;

    sd_bus_message_unref(held->call);
    g_free(held);
}

static void release(struct settling *settling)
{
    struct held *held;

    sd_event_source_set_enabled(settling->timer, SD_EVENT_OFF);
    while ((held = g_queue_pop_head(settling->queue)) != NULL) {
        const struct caller *caller =
            callers_find(settling->service->callers, sd_bus_message_get_sender(held->call));

        if (caller != NULL)
            held->act(settling->service, held->call, caller);
        held_free(held);
    }
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    release(userdata);
    return 0;
}

struct settling *settling_new(struct service *service)
{
    struct settling *settling = g_new0(struct settling, 1);

    *settling = (struct settling){.service = service, .queue = g_queue_new()};
    if (sd_event_add_time_relative(service->daemon->event, &settling->timer, CLOCK_BOOTTIME, PATIENCE, 0,
                                   on_time, settling) < 0 ||
        sd_event_source_set_enabled(settling->timer, SD_EVENT_OFF) < 0)
        return settling_free(settling);
    return settling;
}

struct settling *settling_free(struct settling *settling)
{
    if (settling == NULL)
        return NULL;
    sd_event_source_disable_unref(settling->timer);
    g_queue_free_full(settling->queue, held_free);
    g_free(settling);
    return NULL;
}

static bool is_settled(const struct daemon *daemon)
{
    return keyring_knows_state(daemon->keyring) &&
           (keyring_get_state(daemon->keyring) != KEYRING_UNLOCKED || daemon->secrets_read);
}

void settling_wait(struct settling *settling, sd_bus_message *call, const struct caller *caller,
                   authority_act act)
{
    struct held *held;

    if (is_settled(settling->service->daemon)) {
        act(settling->service, call, caller);
        return;
    }
    if (g_queue_is_empty(settling->queue)) {
        sd_event_source_set_time_relative(settling->timer, PATIENCE);
        sd_event_source_set_enabled(settling->timer, SD_EVENT_ONESHOT);
    }
    held = g_new0(struct held, 1);
    *held = (struct held){sd_bus_message_ref(call), act};
    g_queue_push_tail(settling->queue, held);
}

void settling_look(struct settling *settling)
{
    if (is_settled(settling->service->daemon))
        release(settling);
}
