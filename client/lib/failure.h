/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a failure on the bus means to a person, in one line. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

struct keyturn_error;

/* Opens the user's bus or the system's. Returns 0, or a negative errno with *error filled. */
int failure_open_bus(bool system, sd_bus **ret_bus, struct keyturn_error *error);

/* Fills *error (may be NULL) from a failed call: r is its negative errno, bus_error its answer. Returns r. */
int failure_of_call(bool system, int r, const sd_bus_error *bus_error, struct keyturn_error *error);

/* Fills *error (may be NULL) with a local failure. Returns r. */
int failure_local(int r, const char *message, struct keyturn_error *error);
