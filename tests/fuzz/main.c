/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands in for libFuzzer where the compiler has none: feeds a fuzzing entry each file of the folders that
 * are named and a fixed run of mutations of them, the same each time; or, to replay, the files that are
 * named. */
#include "tests/fuzz/fuzz.h"

#define RUNS 20000
#define SEED 20261123

static const char *const tokens[] = {
    "null", "\"",       "\\u0000", "[",       "]",        "{",
    "}",    ":",        "-1",      "\xff",    "\xc3\xbc", "9999999999999999999",
    "1e99", "sk_live_", "\r\n",    "\\ud800", "true",     ",",
    "=",    ";",        "#",       "\x1b",    "infinity", "/"};

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
static void feed(const GString *input)
{
    g_autofree uint8_t *copy = g_malloc(MAX(input->len, 1));

    memcpy(copy, input->str, input->len);
    LLVMFuzzerTestOneInput(copy, input->len);
}

static void feed_mutations(GRand *random, const GString *seed, int runs)
{
    for (int i = 0; i < runs; i++) {
        GString *input = g_string_new_len(seed->str, (gssize)seed->len);

        for (int steps = g_rand_int_range(random, 1, 6); steps > 0; steps--)
            mutate(random, input);
        feed(input);
        g_string_free(input, TRUE);
    }
}

static void free_input(void *input)
{
    g_string_free(input, TRUE);
}

static void take_file(GPtrArray *inputs, const char *path)
{
    g_autofree char *content = NULL;
    gsize size;

    if (!g_file_get_contents(path, &content, &size, NULL)) {
        fprintf(stderr, "%s can't be read\n", path);
        exit(EXIT_FAILURE);
    }
    g_ptr_array_add(inputs, g_string_new_len(content, (gssize)size));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of the names, so that the mutations are the same each time. */
static void take_folder(GPtrArray *inputs, const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL)
        g_ptr_array_add(paths, g_build_filename(path, name, NULL));
    g_ptr_array_sort(paths, by_name);
    for (guint i = 0; i < paths->len; i++)
        take_file(inputs, paths->pdata[i]);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) inputs = g_ptr_array_new_with_free_func(free_input);
    GRand *random = g_rand_new_with_seed(SEED);
    bool any_folder = false;

    for (int i = 1; i < argc; i++)
        if (g_file_test(argv[i], G_FILE_TEST_IS_DIR)) {
            any_folder = true;
            take_folder(inputs, argv[i]);
        } else {
            take_file(inputs, argv[i]);
        }
    for (guint i = 0; i < inputs->len; i++) {
        feed(inputs->pdata[i]);
        if (any_folder)
            feed_mutations(random, inputs->pdata[i], RUNS / (int)inputs->len);
    }
    printf("%u inputs\n", inputs->len);
    g_rand_free(random);
    return inputs->len > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
