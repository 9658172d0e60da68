/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests a minute: one budget for each environment of the account, and one for who has no key. Pure. */
#pragma once

#include <stdbool.h>

#include "daemon/util/clock.h"

enum budget {
    BUDGET_LIVE,    /* keys of the live environment */
    BUDGET_TEST,    /* keys of the test environment */
    BUDGET_UNKNOWN, /* no key, or one that does not work */
};

#define BUDGET_COUNT (BUDGET_UNKNOWN + 1)

struct rate {
    unsigned limit; /* requests a window */
    usec_t window;  /* 0: a minute, as HueChat's plans have it */
    struct {
        usec_t number; /* of the window since the epoch, of HueChat's time */
        unsigned used;
    } budgets[BUDGET_COUNT];
};

struct rate_state {
    unsigned limit;
    unsigned remaining;
    usec_t reset; /* HueChat's time at which the budget is whole again */
};

/* Takes a request off a budget; false: there is nothing left of it. */
bool rate_take(struct rate *rate, enum budget budget, usec_t now, struct rate_state *ret);
