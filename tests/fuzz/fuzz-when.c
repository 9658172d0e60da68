/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times and spans as people type them for the command: what is read can be shown, and read again. */
#include "tests/fuzz/fuzz.h"

#include "client/when.h"
#include "daemon/util/clock.h"

static void assert_time(const char *text)
{
    g_autofree char *iso = NULL, *day = NULL, *whole = NULL, *relative = NULL;
    guint64 time = 7, again = 7;

    if (when_parse(text, &time) < 0) {
        fuzz_assert(time == 7);
        return;
    }
    iso = when_iso(time);
    fuzz_assert(when_parse(iso, &again) == 0 && again == time);
    day = when_day(time);
    whole = when_long(time);
    relative = when_relative(time, when_now());
    fuzz_assert_line(day);
    fuzz_assert_line(whole);
    fuzz_assert_line(relative);
}

/* The command and keyturnd read the same, apart from blanks. */
static void assert_span(const char *text)
{
    g_autofree char *shown = NULL;
    guint64 span = 7;
    usec_t same = 7;

    if (when_parse_span(text, &span) < 0) {
        fuzz_assert(span == 7);
        return;
    }
    shown = when_span(span);
    fuzz_assert_line(shown);
    fuzz_assert(span_parse(text, &same) == 0 && same == span);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    assert_time(text);
    assert_span(text);
    return 0;
}
