/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When what is due: the wall-clock timer behind rotator, and rotations that start by age. */
#pragma once

#include "daemon/daemon.h"

struct schedule;

struct schedule *schedule_new(struct daemon *daemon);
struct schedule *schedule_free(struct schedule *schedule);

/* Something changed that may make a rotation due, or move the next one. Looks from the event loop, soon. */
void schedule_look_again(struct daemon *daemon);

/* An integration has another current key. */
void schedule_key_is_new(struct daemon *daemon, struct entry *entry);

/* HueChat refuses the environment's management key: nothing is asked until login. */
void schedule_pause(struct daemon *daemon, enum environment environment);

/* When the next rotation by age starts; 0: none is foreseen. */
usec_t schedule_next_rotation(const struct schedule *schedule);
