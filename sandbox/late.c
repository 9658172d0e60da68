/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list of timers. */
#include "sandbox/late.h"

struct late {
    sd_event *event;
    GPtrArray *waiting; /* owns struct wait */
};

struct wait {
    struct late *late;
    struct request *request;
    sd_event_source *timer;
    late_fn fn;
    void *userdata;
};

static void free_wait(void *p)
{
    struct wait *wait = p;

    sd_event_source_unref(wait->timer);
    request_free(wait->request);
    g_free(wait);
}

struct late *late_new(sd_event *event)
{
    struct late *late = g_new0(struct late, 1);

    late->event = sd_event_ref(event);
    late->waiting = g_ptr_array_new_with_free_func(free_wait);
    return late;
}

struct late *late_free(struct late *late)
{
    if (late == NULL)
        return NULL;
    g_ptr_array_unref(late->waiting);
    sd_event_unref(late->event);
    g_free(late);
    return NULL;
}

static void carry_out(struct wait *wait)
{
    wait->fn(wait->userdata, wait->request);
    g_ptr_array_remove(wait->late->waiting, wait);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
    carry_out(userdata);
    return 0;
}

void late_add(struct late *late, const struct request *request, usec_t delay, late_fn fn, void *userdata)
{
    struct wait *wait = g_new0(struct wait, 1);

    wait->late = late;
    wait->request = request_copy(request);
    wait->fn = fn;
    wait->userdata = userdata;
    g_ptr_array_add(late->waiting, wait);
    if (sd_event_add_time_relative(late->event, &wait->timer, CLOCK_MONOTONIC, delay, 1, on_time, wait) < 0)
        carry_out(wait);
}

void late_flush(struct late *late)
{
    while (late->waiting->len > 0)
        carry_out(g_ptr_array_index(late->waiting, 0));
}
