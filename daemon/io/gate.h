/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between a helper's socket and sd-bus, which would read messages of up to 128 MiB: a helper that begins a
 * larger one than here is as good as gone. Only what the helper says goes through it. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#define GATE_MESSAGE_MAX (8u * 1024 * 1024)

struct gate;

/* socket is the helper's, borrowed. *ret_end is what sd-bus is to read from, and the caller's. 0 or negative
 * errno. */
int gate_new(sd_event *event, int socket, int *ret_end, struct gate **ret);
struct gate *gate_free(struct gate *gate);

/* Moves what is there, as the event loop does by itself. False: there was nothing, or no room. */
bool gate_pump(struct gate *gate);
