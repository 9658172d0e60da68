/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who waits for what becomes of a rotation. */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/core/rotation.h"

struct waits;

enum wait_until {
    WAIT_SWAPPED, /* the new key is current */
    WAIT_OVER,
};

enum wait_outcome {
    OUTCOME_DONE,    /* what was waited for */
    OUTCOME_ABORTED, /* it ended without, and nothing is left */
    OUTCOME_OPEN,    /* it goes on, but not soon: held, waiting for a person, or a create whose outcome is
                        unknown */
};

typedef void (*wait_fn)(enum wait_outcome outcome, const char *reason, void *userdata);

struct waits *waits_new(sd_event *event);
struct waits *waits_free(struct waits *waits);

/* fn is called once, from the event loop. */
void waits_add(struct waits *waits, const char *rid, enum wait_until until, wait_fn fn, void *userdata);

/* A rotation is in another state. */
void waits_look(struct waits *waits, const struct rotation *rotation);

/* A rotation stands still for a reason of ours, a full disk say: who waits for it is told, and it goes on
 * later. */
void waits_stuck(struct waits *waits, const char *rid, const char *reason);
