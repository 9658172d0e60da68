/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat keys in a text, told by their looks: a prefix, and a long part that no person wrote. */
#include "client/keyscan.h"

#include <string.h>

#include <glib.h>

#define PREFIX_LENGTH 8 /* sk_live_, sk_test_ */
#define BODY_MIN 16
#define DISTINCT_MIN 6

/* What people write where a key should be. */
static const char *const placeholders[] = {
    "your",   "example", "placeholder", "dummy",      "redacted",   "changeme", "replace",
    "insert", "xxxx",    "abcdefgh",    "0123456789", "1234567890", "00000000",
};

static bool is_of_key(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '-';
}

static bool has_word(const char *body, size_t length)
{
    g_autofree char *lower = g_ascii_strdown(body, (gssize)length);
    bool found = false;

    for (size_t i = 0; i < G_N_ELEMENTS(placeholders) && !found; i++)
        found = strstr(lower, placeholders[i]) != NULL;
    explicit_bzero(lower, length);
    return found;
}

/* Whether it looks made by chance: some characters, and not small letters alone. */
static bool is_random(const char *body, size_t length)
{
    bool seen[256] = {false};
    unsigned distinct = 0, others = 0;

    for (size_t i = 0; i < length; i++) {
        distinct += !seen[(unsigned char)body[i]];
        seen[(unsigned char)body[i]] = true;
        others += g_ascii_isdigit(body[i]) || g_ascii_isupper(body[i]);
    }
    return distinct >= DISTINCT_MIN && others > 0;
}

static bool is_key(const char *text, size_t length)
{
    const char *body = text + PREFIX_LENGTH;

    return length >= PREFIX_LENGTH + BODY_MIN && is_random(body, length - PREFIX_LENGTH) &&
           !has_word(body, length - PREFIX_LENGTH);
}

/* Length of the run that begins with a prefix here; 0: there is none. */
static size_t measure(const char *text, size_t length)
{
    size_t n = PREFIX_LENGTH;

    if (length < n || (memcmp(text, "sk_live_", n) != 0 && memcmp(text, "sk_test_", n) != 0))
        return 0;
    while (n < length && is_of_key(text[n]))
        n++;
    return n;
}

bool keyscan_find(const char *text, size_t length, struct keyscan_match *ret)
{
    const char *at = text, *end;

    if (length == 0)
        return false;
    end = text + length;
    while ((at = memmem(at, (size_t)(end - at), "sk_", 3))) {
        size_t n = at == text || !is_of_key(at[-1]) ? measure(at, (size_t)(end - at)) : 0;

        if (n > 0 && is_key(at, n)) {
            *ret = (struct keyscan_match){.start = at, .length = n, .live = at[3] == 'l'};
            return true;
        }
        at += MAX(n, 3);
    }
    return false;
}
