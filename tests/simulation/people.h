/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between people and the forces of nature. */
#pragma once

#include "tests/simulation/simulation.h"

void people_wander(struct simulation *s, struct happening *h);
void people_hooks_ran(struct simulation *s, struct happening *h);
void people_say(struct simulation *s, struct app *app, enum rotation_event_type type);
void nature_log_in(struct simulation *s, struct app *app);
