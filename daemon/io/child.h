/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One process of a helper with the connection to it, from its start to its end. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

struct child;

/* It has ended, closed the connection, or said what is no answer: it is to be freed, from here. */
typedef void (*child_ended_fn)(void *userdata);

/* Starts it (spawn.h); program is borrowed. Who calls it by child_bus() has its callbacks return 1 for an
 * answer. 0 or negative errno. */
int child_start(sd_event *event, const char *program, const char *readable, child_ended_fn ended,
                void *userdata, struct child **ret);

/* Kills it and leaves it to the event loop to reap, whenever that may be. Returns NULL. */
struct child *child_free(struct child *child);

pid_t child_pid(const struct child *child);
sd_bus *child_bus(const struct child *child);

/* Whether it has ended without the event loop having had the time to notice. */
bool child_is_dead(const struct child *child);

/* Takes in something of what it has said; the child may be freed by that. False: there is nothing more. */
bool child_listen(struct child *child);
