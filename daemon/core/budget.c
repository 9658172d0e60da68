/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting requests down between the answers that tell how many are left. */
#include "daemon/core/budget.h"

#include <glib.h>

/* What HueChat doesn't tell, as its plans count by the minute. */
#define WINDOW_DEFAULT USEC_PER_MINUTE
#define WINDOW_MAX USEC_PER_HOUR

/* HueChat counts by the day as well: what it asks for can't be longer. */
#define BLOCK_MAX (25 * USEC_PER_HOUR)

/* From the answer to the end of the window. */
static usec_t window_of(const struct answer *answer)
{
    usec_t reset;

    if (answer->date == 0 || answer->rate_reset <= 0 ||
        (uint64_t)answer->rate_reset > USEC_INFINITY / USEC_PER_SEC)
        return WINDOW_DEFAULT;
    reset = (usec_t)answer->rate_reset * USEC_PER_SEC;
    return MIN(usec_sub(reset, answer->date), WINDOW_MAX);
}

static usec_t pause_of(const struct answer *answer)
{
    usec_t pause = answer->retry_after;

    if (answer->date != 0 && answer->rate_reset > 0)
        pause = MAX(pause, window_of(answer));
    return pause > 0 ? MIN(pause, BLOCK_MAX) : WINDOW_DEFAULT;
}

void budget_note(struct budget *budget, const struct answer *answer, usec_t now, unsigned jitter)
{
    if (answer->status == 0)
        return;
    if (answer->rate_limit >= 0)
        budget->limit = answer->rate_limit;
    if (answer->rate_remaining >= 0) {
        budget->remaining = answer->rate_remaining;
        budget->window_ends = usec_add(now, window_of(answer));
    }
    if (answer->status == 429)
        budget->blocked_until = usec_add(now, pause_of(answer) + jitter * USEC_PER_MSEC);
}

/* Whether then is ahead, and not so far that only a clock set back can be the reason. */
static bool is_ahead(usec_t then, usec_t now, usec_t max)
{
    return then > now && then - now <= max;
}

static bool window_is_open(const struct budget *budget, usec_t now)
{
    return budget->remaining >= 0 && is_ahead(budget->window_ends, now, WINDOW_MAX);
}

usec_t budget_next(const struct budget *budget, bool background, usec_t now)
{
    int64_t reserve = background ? MAX(1, budget->limit / 10) : 0;
    usec_t next = now;

    if (is_ahead(budget->blocked_until, now, BLOCK_MAX + USEC_PER_SEC))
        next = budget->blocked_until;
    if (window_is_open(budget, now) && budget->remaining <= reserve)
        next = MAX(next, budget->window_ends);
    return next;
}

void budget_spend(struct budget *budget, usec_t now)
{
    if (!window_is_open(budget, now))
        budget->remaining = -1;
    else if (budget->remaining > 0)
        budget->remaining--;
}
