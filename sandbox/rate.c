/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A fixed window that starts with each minute of HueChat's clock. */
#include "sandbox/rate.h"

bool rate_take(struct rate *rate, enum budget budget, usec_t now, struct rate_state *ret)
{
    const usec_t minute = now / USEC_PER_MINUTE;
    bool granted;

    if (rate->budgets[budget].minute != minute) {
        rate->budgets[budget].minute = minute;
        rate->budgets[budget].used = 0;
    }
    granted = rate->budgets[budget].used < rate->limit;
    if (granted)
        rate->budgets[budget].used++;
    ret->limit = rate->limit;
    ret->remaining = rate->limit - rate->budgets[budget].used;
    ret->reset = (minute + 1) * USEC_PER_MINUTE;
    return granted;
}
