/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One service that asks the credentials socket for a key, from its connection to its answer. An empty answer
 * would start the service with an empty key, and one over 1 MiB makes its start fail: a refusal is that long,
 * and what is only unavailable for now is held for a while. */
#pragma once

#include "daemon/daemon.h"

struct visit;

typedef void (*visit_end_fn)(struct visit *visit, void *userdata);

/* Takes the connection. ended is called once, from the event loop; the callee frees the visit. */
struct visit *visit_new(struct daemon *daemon, int fd, visit_end_fn ended, void *userdata);

/* Asks and answers. May call ended. */
void visit_begin(struct visit *visit);

/* One that was not answered is refused first, so that its service does not start: waits for a second at most.
 */
struct visit *visit_free(struct visit *visit);
