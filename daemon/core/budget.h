/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rate budget of one environment, shared by all integrations of the account. HueChat's clock is never
 * compared with ours: a reset is a span from the Date of the same answer. Any clock of ours will do, as long
 * as it is the same one each time; should it jump backwards, no wait grows for ever. */
#pragma once

#include "daemon/core/answer.h"
#include "daemon/util/clock.h"

struct budget {
    int64_t remaining; /* -1: not told */
    int64_t limit;
    usec_t window_ends;   /* our time */
    usec_t blocked_until; /* after a 429; our time */
};

#define BUDGET_NEW ((struct budget){.remaining = -1, .limit = -1})

/* Takes in what an answer said. jitter: 0 to 1000, thousandths of a second that are added after a 429. One
 * that was not sent, or got no status, says nothing. */
void budget_note(struct budget *budget, const struct answer *answer, usec_t now, unsigned jitter);

/* When the next request may leave: now, or later. background requests leave a tenth of the budget to others.
 */
usec_t budget_next(const struct budget *budget, bool background, usec_t now);

/* One request leaves. */
void budget_spend(struct budget *budget, usec_t now);
