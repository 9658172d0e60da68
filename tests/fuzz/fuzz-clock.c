/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spans of the files: the text of a span is that span. */
#include "tests/fuzz/fuzz.h"

#include "daemon/util/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size), *written = NULL, *date = NULL;
    usec_t span = 7, again = 7;

    if (span_parse(text, &span) < 0) {
        fuzz_assert(span == 7);
        return 0;
    }
    written = span_format(span);
    fuzz_assert_line(written);
    fuzz_assert(span_parse(written, &again) == 0 && again == span);
    date = clock_format(span);
    fuzz_assert_line(date);
    return 0;
}
