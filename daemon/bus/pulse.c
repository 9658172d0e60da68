/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* While something was said of late, and is still with us: a question to the bus itself, which it answers at
 * once where it reads at all. */
#include "daemon/bus/pulse.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "daemon/io/journal.h"
#include "daemon/util/cleanup.h"

#define SOON (2 * USEC_PER_SEC)
#define PATIENCE (8 * USEC_PER_SEC)

struct pulse {
    struct service *service;
    sd_event_source *timer;
    bool is_armed;
    sd_bus_slot *question;
};

static void arm(struct pulse *pulse)
{
    pulse->is_armed = sd_event_source_set_time_relative(pulse->timer, SOON) >= 0 &&
                      sd_event_source_set_enabled(pulse->timer, SD_EVENT_ONESHOT) >= 0;
}

/* In our queue, or in the kernel's, which takes a megabyte. */
static bool is_something_left(const struct pulse *pulse)
{
    uint64_t n = 0;
    int bytes = 0;

    if (sd_bus_get_n_queued_write(pulse->service->bus, &n) >= 0 && n > 0)
        return true;
    return ioctl(sd_bus_get_fd(pulse->service->bus), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct pulse *pulse = userdata;

    pulse->question = sd_bus_slot_unref(pulse->question);
    if (!sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY) || !is_something_left(pulse))
        return 0;
    pulse->service->is_mute = true;
    journal_send(LOG_ERR, NULL, (const char *[]){NULL},
                 "the bus takes nothing more from this connection, since somebody reads no answers: "
                 "ending, to be started again");
    return sd_event_exit(pulse->service->daemon->event, -ECONNRESET);
}

static int on_time(sd_event_source *source, uint64_t when, void *userdata)
{
    struct pulse *pulse = userdata;
    _cleanup_message_ sd_bus_message *question = NULL;

    pulse->is_armed = false;
    if (!is_something_left(pulse) || pulse->question != NULL)
        return 0;
    if (sd_bus_message_new_method_call(pulse->service->bus, &question, "org.freedesktop.DBus",
                                       "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetId") >= 0)
        sd_bus_call_async(pulse->service->bus, &pulse->question, question, on_answer, pulse, PATIENCE);
    return 0;
}

struct pulse *pulse_new(struct service *service)
{
    struct pulse *pulse = g_new0(struct pulse, 1);

    pulse->service = service;
    if (sd_event_add_time_relative(service->daemon->event, &pulse->timer, CLOCK_MONOTONIC, SOON, 0, on_time,
                                   pulse) < 0 ||
        sd_event_source_set_enabled(pulse->timer, SD_EVENT_OFF) < 0)
        return pulse_free(pulse);
    return pulse;
}

struct pulse *pulse_free(struct pulse *pulse)
{
    if (pulse == NULL)
        return NULL;
    sd_event_source_disable_unref(pulse->timer);
    sd_bus_slot_unref(pulse->question);
    g_free(pulse);
    return NULL;
}

void pulse_expect(struct pulse *pulse)
{
    if (!pulse->is_armed && pulse->question == NULL)
        arm(pulse);
}
