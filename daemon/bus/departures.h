/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who leaves the bus: what is kept for a caller goes with it. */
#pragma once

#include <systemd/sd-bus.h>

/* handler is called for each name that goes; it reads it with departures_name(). Negative errno. */
int departures_watch(sd_bus *bus, sd_bus_slot **ret, sd_bus_message_handler_t handler, void *userdata);

/* Of the signal, valid as long as it; NULL: it makes no sense, or is not the bus's own. Anybody may send a
 * signal to one receiver, whatever that asked for, and sd-bus takes it for what a match with a well-known
 * sender is for. */
const char *departures_name(sd_bus_message *signal);
