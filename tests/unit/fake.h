/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of a helper's client share: a test program is its own helper too, when it is started as one, and
 * a loop that runs until something is true. */
#pragma once

#include <stdarg.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include <cmocka.h>

#include "daemon/util/clock.h"
#include "dbus/names.h"

/* The descriptor to the daemon, if this process was started as a helper; else -1. */
static inline int fake_bus_fd(int argc, char **argv)
{
    return argc >= 3 && strcmp(argv[1], "--bus-fd") == 0 ? atoi(argv[2]) : -1;
}

/* Serves an interface until the connection ends. */
static inline int fake_serve(int fd, const char *interface, const sd_bus_vtable *vtable)
{
    sd_id128_t id = {.bytes = {1}};
    sd_bus *bus = NULL;
    int r;

    if (sd_bus_new(&bus) < 0 || sd_bus_set_fd(bus, fd, fd) < 0 || sd_bus_set_server(bus, true, id) < 0 ||
        sd_bus_add_object_vtable(bus, NULL, KT_HELPER_PATH, interface, vtable, bus) < 0 ||
        sd_bus_start(bus) < 0)
        return EXIT_FAILURE;
    while ((r = sd_bus_process(bus, NULL)) >= 0)
        if (r == 0 && sd_bus_wait(bus, UINT64_MAX) < 0)
            break;
    sd_bus_close_unref(bus);
    return EXIT_SUCCESS;
}

/* An event loop with SIGCHLD blocked, as the daemon has it. */
static inline sd_event *loop_new(void)
{
    sd_event *event = NULL;
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    assert_return_code(sigprocmask(SIG_BLOCK, &child, NULL), 0);
    assert_return_code(sd_event_new(&event), 0);
    return event;
}

/* Runs the loop until *n is wanted, for a minute at most: others may use the machine. */
static inline void loop_until(sd_event *event, const unsigned *n, unsigned wanted)
{
    const usec_t deadline = clock_now() + USEC_PER_MINUTE;

    while (*n < wanted && clock_now() < deadline)
        assert_return_code(sd_event_run(event, 100 * USEC_PER_MSEC), 0);
    assert_int_equal(*n, wanted);
}

/* Runs the loop for so long. */
static inline void loop_for(sd_event *event, usec_t span)
{
    const usec_t deadline = clock_now() + span;

    for (usec_t now = clock_now(); now < deadline; now = clock_now())
        assert_return_code(sd_event_run(event, deadline - now), 0);
}
