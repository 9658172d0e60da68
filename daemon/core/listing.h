/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts the pages of HueChat's key list together, and says whether the whole counts (huechat-api.md): the same
 * total on every page, and as many unique ids as it says. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "daemon/core/answer.h"

#define LISTING_PAGE 100
#define LISTING_MAX_PAGES 50

struct listing {
    GArray *keys; /* struct remote_key */
    uint64_t total;
    unsigned pages;
};

enum listing_result {
    LISTING_MORE,  /* ask for the next page at listing_offset() */
    LISTING_WHOLE, /* it counts */
    LISTING_WRONG, /* it does not: start again later */
};

struct listing *listing_new(void);
struct listing *listing_free(struct listing *listing);

/* Takes the keys (their contents are moved out). More than a page was asked for, and more than all pages
 * hold, is wrong and not kept. */
enum listing_result listing_add(struct listing *listing, struct remote_key *keys, size_t n_keys,
                                uint64_t total, bool has_more);
unsigned listing_offset(const struct listing *listing);
