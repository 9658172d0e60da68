/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers that a seed repeats: splitmix64 by Vigna. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct chance {
    uint64_t state;
};

static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t z = (chance->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 to n - 1. */
static inline uint64_t chance_below(struct chance *chance, uint64_t n)
{
    return chance_next(chance) % n;
}

/* True in so many of 1000 cases. */
static inline bool chance_of(struct chance *chance, unsigned permille)
{
    return chance_below(chance, 1000) < permille;
}

/* A span up to most, short ones as likely as long ones: its magnitude is even. */
static inline uint64_t chance_span(struct chance *chance, uint64_t least, uint64_t most)
{
    uint64_t top = least;

    while (top < most && chance_of(chance, 750))
        top *= 2;
    top = top < most ? top : most;
    return least + chance_below(chance, top - least + 1);
}
