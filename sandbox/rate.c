/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fixed window that starts with each minute of HueChat's clock, or a shorter one that no plan has. */
#include "sandbox/rate.h"

bool rate_take(struct rate *rate, enum budget budget, usec_t now, struct rate_state *ret)
{
    const usec_t window = rate->window > 0 ? rate->window : USEC_PER_MINUTE, number = now / window;
    bool granted;

    if (rate->budgets[budget].number != number) {
        rate->budgets[budget].number = number;
        rate->budgets[budget].used = 0;
    }
    granted = rate->budgets[budget].used < rate->limit;
    if (granted)
        rate->budgets[budget].used++;
    ret->limit = rate->limit;
    ret->remaining = rate->limit - rate->budgets[budget].used;
    ret->reset = (number + 1) * window;
    return granted;
}
