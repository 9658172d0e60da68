/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One switch from keyturn's errors to their D-Bus names. */
#pragma once

#include <glib.h>
#include <systemd/sd-bus.h>

/* Sets the error and returns its negative errno, as a method handler returns it. */
int bus_error_set(sd_bus_error *ret_error, const GError *error);

/* Answers a call that was kept. */
void bus_reply_error(sd_bus_message *call, const GError *error);

/* The same: Busy, and why. */
void bus_reply_busy(sd_bus_message *call, const char *why);

/* The same, where its arguments can't be read, or are too long. */
void bus_reply_garbled(sd_bus_message *call);
void bus_reply_too_long(sd_bus_message *call);
