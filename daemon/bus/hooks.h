/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd does after a swap: reloads, restarts and starts the units that an integration names. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/daemon.h"

struct hooks;

/* bus: one on which the units' manager is org.freedesktop.systemd1. */
struct hooks *hooks_new(struct daemon *daemon, sd_bus *bus);
struct hooks *hooks_free(struct hooks *hooks);

/* Asks for all of them; hooks_ran is set when each job has ended well, and attention is called when one has
 * not: until that unit fetches the key, or a job of somebody else's ends well for it, whatever becomes
 * of the rotation. */
void hooks_run(struct hooks *hooks, struct entry *entry);

/* An integration is gone: how its jobs end is nothing to another one of that name. */
void hooks_forget(struct hooks *hooks, const char *integration);
