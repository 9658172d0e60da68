/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Words of a stranger: whatever they were, what is shown of them is safe, short, and stays as it is. */
#include "tests/fuzz/fuzz.h"

#include "daemon/util/text.h"

#define SHOWN_MAX 40

static void assert_printable(const char *text)
{
    g_autofree char *shown = text_printable(text, SHOWN_MAX), *again = text_printable(shown, SHOWN_MAX);

    fuzz_assert(text_is_printable(shown) && g_utf8_strlen(shown, -1) <= SHOWN_MAX);
    fuzz_assert(strcmp(shown, again) == 0);
    if (text_is_printable(text) && g_utf8_strlen(text, -1) <= SHOWN_MAX)
        fuzz_assert(strcmp(shown, text) == 0);
}

static void assert_line(const char *text)
{
    g_autofree char *line = text_line(text, "own-key"), *again = text_line(line, "own-key");

    fuzz_assert(text_is_printable(line) && g_utf8_strlen(line, -1) <= TEXT_LINE_MAX);
    fuzz_assert(!text_shows_key(line, "own-key") && strstr(line, "own-key") == NULL);
    fuzz_assert(strcmp(line, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    assert_printable(text);
    assert_line(text);
    if (text_is_word(text, SHOWN_MAX))
        fuzz_assert(text_is_name(text, SHOWN_MAX) && strchr(text, ' ') == NULL);
    if (text_is_name(text, SHOWN_MAX))
        fuzz_assert(text_is_printable(text));
    return 0;
}
