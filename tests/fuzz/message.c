/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes as a program that appends values. sd-bus itself reads the wire; what it lets pass is what matters
 * here, so every message is a valid one. */
#include "tests/fuzz/message.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"

#define DEPTH_MAX 6
#define COUNT_MAX 24
#define ALL_WORDS 255 /* as a count: one entry for each word that has a type */

/* Types of a variant that no word wants. */
static const char *const odd_types[] = {"s", "u", "b",     "t",     "x",    "as", "y", "i",
                                        "d", "o", "a{sv}", "a{ss}", "(sv)", "v",  "g", "av"};

struct writer {
    sd_bus_message *m;
    const struct vocabulary *vocabulary;
    const uint8_t *data;
    size_t size;
    const char *word; /* the last text, if it came from the vocabulary: it may want a type */
    unsigned depth;
};

static int append(struct writer *w, const char *type);

static uint8_t take(struct writer *w)
{
    if (w->size == 0)
        return 0;
    w->size--;
    return *w->data++;
}

static unsigned count_of(const char *const *texts)
{
    return g_strv_length((char **)texts);
}

static const char *type_of(const char *word)
{
    const char *colon = strchr(word, ':');

    return colon != NULL ? colon + 1 : NULL;
}

/* The bytes that a text takes, made a text that D-Bus has. */
static char *take_text(struct writer *w, size_t length)
{
    g_autofree char *raw = NULL;

    length = MIN(length, w->size);
    raw = g_strndup((const char *)w->data, length);
    w->data += length;
    w->size -= length;
    return g_utf8_make_valid(raw, -1);
}

static int append_word(struct writer *w, const char *word)
{
    g_autofree char *text = g_strndup(word, strcspn(word, ":"));

    w->word = word;
    return sd_bus_message_append_basic(w->m, 's', text);
}

/* Up to 127: a word; else the bytes that follow. */
static int append_text(struct writer *w)
{
    uint8_t choice = take(w);
    g_autofree char *text = NULL;

    if (choice < 128)
        return append_word(w, w->vocabulary->words[choice % count_of(w->vocabulary->words)]);
    text = take_text(w, choice - 128);
    w->word = NULL;
    return sd_bus_message_append_basic(w->m, 's', text);
}

static int append_number(struct writer *w, char type)
{
    uint8_t bytes[8] = {0}, length = take(w) % 9;

    for (uint8_t i = 0; i < length; i++)
        bytes[i] = take(w);
    if (type == 'b')
        return sd_bus_message_append_basic(w->m, type, &(int){bytes[0] & 1});
    return sd_bus_message_append_basic(w->m, type, bytes);
}

/* Mostly the type that the word before it wants. */
static int append_variant(struct writer *w)
{
    const char *wanted = w->word != NULL ? type_of(w->word) : NULL, *type = wanted;
    uint8_t choice = take(w);
    int r;

    if (wanted == NULL || choice >= 224)
        type = odd_types[choice % G_N_ELEMENTS(odd_types)];
    r = sd_bus_message_open_container(w->m, 'v', type);
    if (r >= 0)
        r = append(w, type);
    return r < 0 ? r : sd_bus_message_close_container(w->m);
}

static int append_inside(struct writer *w, char kind, const char *contents)
{
    int r = sd_bus_message_open_container(w->m, kind, contents);

    if (r >= 0)
        r = append(w, contents);
    return r < 0 ? r : sd_bus_message_close_container(w->m);
}

/* Every field once, in the vocabulary's order. */
static int append_all_words(struct writer *w)
{
    int r = 0;

    for (const char *const *word = w->vocabulary->words; r >= 0 && *word != NULL; word++) {
        if (type_of(*word) == NULL)
            continue;
        r = sd_bus_message_open_container(w->m, 'e', "sv");
        if (r >= 0)
            r = append_word(w, *word);
        if (r >= 0)
            r = append_variant(w);
        if (r >= 0)
            r = sd_bus_message_close_container(w->m);
    }
    return r;
}

static int append_array(struct writer *w, const char *contents)
{
    uint8_t count = take(w);
    int r = sd_bus_message_open_container(w->m, 'a', contents);

    if (r >= 0 && count == ALL_WORDS && strcmp(contents, "{sv}") == 0)
        r = append_all_words(w);
    else
        for (uint8_t i = 0; r >= 0 && i < count % COUNT_MAX && w->size > 0; i++)
            r = append(w, contents);
    return r < 0 ? r : sd_bus_message_close_container(w->m);
}

/* The length of the first complete type. */
static size_t first_type(const char *type)
{
    size_t n = 0;
    int depth = 0;

    if (*type == 'a')
        return 1 + first_type(type + 1);
    do {
        depth += (type[n] == '(' || type[n] == '{') - (type[n] == ')' || type[n] == '}');
        n++;
    } while (depth > 0);
    return n;
}

static int append_one(struct writer *w, const char *type)
{
    g_autofree char *contents = strlen(type) > 2 ? g_strndup(type + 1, strlen(type) - 2) : NULL;

    switch (*type) {
    case 'a':
        return append_array(w, type + 1);
    case 'v':
        return append_variant(w);
    case '(':
        return append_inside(w, 'r', contents);
    case '{':
        return append_inside(w, 'e', contents);
    case 's':
        return append_text(w);
    case 'o':
        return sd_bus_message_append_basic(w->m, 'o', "/org/keyturn1");
    case 'g':
        return sd_bus_message_append_basic(w->m, 'g', "a{sv}");
    }
    return append_number(w, *type);
}

static int append(struct writer *w, const char *type)
{
    int r = 0;

    if (w->depth == DEPTH_MAX)
        return -E2BIG;
    w->depth++;
    while (r >= 0 && *type != '\0') {
        size_t length = first_type(type);
        g_autofree char *one = g_strndup(type, length);

        r = append_one(w, one);
        type += length;
    }
    w->depth--;
    return r;
}

/* Messages need a bus that was started; nobody is at its other end. */
static sd_bus *any_bus(void)
{
    static sd_bus *bus;
    int ends[2];

    if (bus != NULL)
        return bus;
    fuzz_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    fuzz_assert(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, ends[0], ends[0]) >= 0 && sd_bus_start(bus) >= 0);
    return bus;
}

sd_bus_message *message_of_bytes(const struct vocabulary *vocabulary, const uint8_t *data, size_t size)
{
    struct writer w = {.vocabulary = vocabulary, .data = data, .size = size};
    const char *signature = vocabulary->signatures[take(&w) % count_of(vocabulary->signatures)];

    fuzz_assert(sd_bus_message_new_signal(any_bus(), &w.m, "/a", "a.b", "c") >= 0);
    if (append(&w, signature) < 0) {
        sd_bus_message_unref(w.m);
        return NULL;
    }
    fuzz_assert(sd_bus_message_seal(w.m, 1, 0) >= 0 && sd_bus_message_rewind(w.m, true) >= 0);
    return w.m;
}
