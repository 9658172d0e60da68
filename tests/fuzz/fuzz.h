/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fuzz-NAME.c offers, to libFuzzer or to main.c, and how it says that something is wrong. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

/* libFuzzer's name. It aborts if something is wrong, and returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold of every input. */
#define fuzz_assert(holds)                                                                                   \
    do {                                                                                                     \
        if (!(holds)) {                                                                                      \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                       \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* One line for people, as log and terminal take it, in which no key is. */
static inline void fuzz_assert_line(const char *text)
{
    fuzz_assert(text != NULL && *text != '\0' && g_utf8_validate(text, -1, NULL));
    fuzz_assert(strstr(text, "sk_live_") == NULL && strstr(text, "sk_test_") == NULL);
    for (; *text != '\0'; text = g_utf8_next_char(text))
        fuzz_assert(!g_unichar_iscntrl(g_utf8_get_char(text)));
}

/* Accepted and no error, or refused and one that says why. */
static inline void fuzz_assert_outcome(bool accepted, const GError *error)
{
    fuzz_assert(accepted == (error == NULL));
    if (error != NULL)
        fuzz_assert_line(error->message);
}
