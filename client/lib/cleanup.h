/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scope-bound release of file descriptors and of what sd-bus hands out. */
#pragma once

#include <unistd.h>

#include <systemd/sd-bus.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void kt_close_p(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline void kt_message_unref_p(sd_bus_message **m)
{
    *m = sd_bus_message_unref(*m);
}

static inline void kt_bus_close_p(sd_bus **bus)
{
    *bus = sd_bus_flush_close_unref(*bus);
}

static inline void kt_slot_unref_p(sd_bus_slot **slot)
{
    *slot = sd_bus_slot_unref(*slot);
}

static inline void kt_creds_unref_p(sd_bus_creds **creds)
{
    *creds = sd_bus_creds_unref(*creds);
}

#define _cleanup_close_ _cleanup_(kt_close_p)
#define _cleanup_message_ _cleanup_(kt_message_unref_p)
#define _cleanup_bus_ _cleanup_(kt_bus_close_p)
#define _cleanup_creds_ _cleanup_(kt_creds_unref_p)
#define _cleanup_slot_ _cleanup_(kt_slot_unref_p)
#define _cleanup_bus_error_ _cleanup_(sd_bus_error_free)
