/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets on their way in: a caller gets a descriptor to write to, and what it wrote is the next call's
 * secret. It is one end of a socket pair, not of a pipe: whoever else sees it pass can't open the other end
 * through /proc. */
#pragma once

#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/core/secret.h"

struct uploads;

struct uploads *uploads_new(sd_event *event, sd_bus *bus);
struct uploads *uploads_free(struct uploads *uploads);

/* A write end for this sender, of that user; a second one replaces the first. It ends after 30 s, or with the
 * sender. The caller closes it. -EDQUOT: the user has as many open as one may have, -EBUSY: all together
 * have; or another negative errno. */
int uploads_open(struct uploads *uploads, const char *sender, uid_t uid);

/* What the sender's process wrote until now, a line end at its end left out; NULL: nothing, or no well-formed
 * key. The upload is over. The caller frees it. */
struct secret *uploads_take(struct uploads *uploads, const char *sender, pid_t pid);
