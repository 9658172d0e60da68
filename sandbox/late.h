/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests that are carried out some time after their client has lost sight of them. */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/util/clock.h"
#include "sandbox/request.h"

struct late;
typedef void (*late_fn)(void *userdata, const struct request *request);

struct late *late_new(sd_event *event);

/* Forgets those that still wait. */
struct late *late_free(struct late *late);

/* Calls fn with a copy of the request once delay has passed. */
void late_add(struct late *late, const struct request *request, usec_t delay, late_fn fn, void *userdata);

/* Carries out at once all that still wait: for a clean stop, since HueChat itself would not forget them. */
void late_flush(struct late *late);
