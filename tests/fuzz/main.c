/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Feeds a fuzzing entry its seeds and a fixed run of mutations of them, the same each time; or, to replay
 * what libFuzzer found, the files that are named. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "tests/fuzz/fuzz.h"

#define RUNS 30000
#define SEED 20261123

static const char *const tokens[] = {
    "null", "\"",       "\\u0000", "[",       "]",        "{",
    "}",    ":",        "-1",      "\xff",    "\xc3\xbc", "9999999999999999999",
    "1e99", "sk_live_", "\r\n",    "\\ud800", "true",     ","};

static void mutate(GRand *random, GString *input)
{
    gsize at = input->len > 0 ? (gsize)g_rand_int_range(random, 0, (gint32)input->len) : 0;
    gsize span = (gsize)g_rand_int_range(random, 1, 8);

    span = MIN(span, input->len - at);
    switch (g_rand_int_range(random, 0, 5)) {
    case 0:
        if (span > 0)
            input->str[at] = (char)g_rand_int_range(random, 0, 256);
        break;
    case 1:
        g_string_erase(input, (gssize)at, (gssize)span);
        break;
    case 2:
        g_string_truncate(input, at);
        break;
    case 3:
        g_string_insert_len(input, (gssize)at, input->str + at, (gssize)span);
        break;
    case 4:
        g_string_erase(input, (gssize)at, (gssize)span);
        g_string_insert(input, (gssize)at, tokens[g_rand_int_range(random, 0, G_N_ELEMENTS(tokens))]);
        break;
    }
}

/* In a block of its own size, so that a sanitizer sees reading past the end. */
static void feed(const char *data, size_t size)
{
    g_autofree uint8_t *copy = g_malloc(MAX(size, 1));

    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
}

static int feed_file(const char *path)
{
    g_autofree char *content = NULL;
    gsize size;

    if (!g_file_get_contents(path, &content, &size, NULL)) {
        fprintf(stderr, "%s can't be read\n", path);
        return EXIT_FAILURE;
    }
    feed(content, size);
    return EXIT_SUCCESS;
}

static void feed_mutations(GRand *random, const char *seed, int runs)
{
    feed(seed, strlen(seed));
    for (int i = 0; i < runs; i++) {
        GString *input = g_string_new(seed);

        for (int steps = g_rand_int_range(random, 1, 6); steps > 0; steps--)
            mutate(random, input);
        feed(input->str, input->len);
        g_string_free(input, TRUE);
    }
}

int main(int argc, char **argv)
{
    GRand *random = g_rand_new_with_seed(SEED);
    int seeds = 0, status = EXIT_SUCCESS;

    for (int i = 1; i < argc; i++)
        if (feed_file(argv[i]) != EXIT_SUCCESS)
            status = EXIT_FAILURE;
    while (fuzz_seeds[seeds])
        seeds++;
    for (int i = 0; argc == 1 && i < seeds; i++)
        feed_mutations(random, fuzz_seeds[i], RUNS / seeds);
    g_rand_free(random);
    return status;
}
