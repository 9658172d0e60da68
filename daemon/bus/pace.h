/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of something each user may have in a time: what is dear, and open to everybody. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/util/clock.h"

struct pace;

/* At most that much at once, and that much more a second, for each uid. */
struct pace *pace_new(unsigned burst, unsigned per_second);
struct pace *pace_free(struct pace *pace);

/* Of such a clock. */
usec_t pace_now(void);

/* Takes so much of the uid's; false: it has not as much left, and nothing is taken. What costs more than the
 * burst costs the burst. now: of a clock that never goes back. */
bool pace_take(struct pace *pace, uid_t uid, unsigned cost, usec_t now);
