/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that wait until it is known whom they are of. What they take together is bounded: that is not known
 * yet. */
#pragma once

#include "daemon/bus/caller.h"

struct waiters;

struct waiters *waiters_new(void);
struct waiters *waiters_free(struct waiters *waiters);

/* A copy of the call waits; or fn is called at once: with so_far (NULL: nothing is known yet) where that is
 * enough, or because there is no room for it. False: there was none. */
bool waiters_add(struct waiters *waiters, sd_bus_message *call, const struct caller *so_far,
                 caller_enough_fn enough, caller_fn fn, void *userdata);

/* Those for whom it is enough wait no longer. */
void waiters_tell_so_far(struct waiters *waiters, const struct caller *so_far);

/* None waits any longer. */
void waiters_tell(struct waiters *waiters, enum caller_answer answer, const struct caller *caller);
