/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys in a text: each is a part of it, longer than what may be shown of it, and found again by itself. */
#include "tests/fuzz/fuzz.h"

#include "client/keyscan.h"

static void assert_match(const struct keyscan_match *match, const char *at, const char *end)
{
    struct keyscan_match again;

    fuzz_assert(match->start >= at && match->length >= 24 && match->length <= (size_t)(end - match->start));
    fuzz_assert(memcmp(match->start, match->live ? "sk_live_" : "sk_test_", 8) == 0);
    for (size_t i = 0; i < match->length; i++)
        fuzz_assert(g_ascii_isgraph(match->start[i]));
    fuzz_assert(keyscan_find(match->start, match->length, &again));
    fuzz_assert(again.start == match->start && again.length == match->length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct keyscan_match match;

    while (keyscan_find(at, (size_t)(end - at), &match)) {
        assert_match(&match, at, end);
        at = match.start + match.length;
    }
    return 0;
}
