/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the bus still takes what keyturnd says. It stops where others leave too much unread, without a
 * word: then keyturnd ends, to be started again with a connection that nothing is counted against. */
#pragma once

#include "daemon/bus/bus.h"

struct pulse;

/* NULL: the event loop takes no more. */
struct pulse *pulse_new(struct service *service);
struct pulse *pulse_free(struct pulse *pulse);

/* Something is about to be said. */
void pulse_expect(struct pulse *pulse);
