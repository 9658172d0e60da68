/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets that were given out and are not read yet. As long as a receiver leaves them in its queue, the bus
 * counts them against keyturnd, and with 64 it takes nothing more from it, for nobody: so a user has a few at
 * a time. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

struct openings;

struct openings *openings_new(sd_event *event);
struct openings *openings_free(struct openings *openings);

/* One more for this uid. False: too many of its own, or of everybody's, wait to be read. */
bool openings_take(struct openings *openings, uid_t uid);

/* What was taken is this pair's: fd is keyturnd's end, and is closed when the other one has been read or
 * closed. -1: it came to nothing. */
void openings_watch(struct openings *openings, uid_t uid, int fd);
