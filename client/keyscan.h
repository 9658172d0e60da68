/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat keys in a text. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct keyscan_match {
    const char *start; /* in the text */
    size_t length;
    bool live;
};

/* The first key in the text; placeholders, such as sk_live_your_key_here, are none. Returns whether there is
 * one. */
bool keyscan_find(const char *text, size_t length, struct keyscan_match *ret);
