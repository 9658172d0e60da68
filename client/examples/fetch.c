/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that fetches its key by itself, and what it does when HueChat refuses it.
 * cc fetch.c -o fetch $(pkg-config --cflags --libs keyturn) */
#include <keyturn.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In a real program: a request to HueChat with the header "X-API-Key: KEY". Returns the HTTP status. */
static int ask_huechat(const char *key)
{
    return strncmp(key, "sk_", 3) == 0 ? 200 : 401;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "crm";
    struct keyturn_error error;
    uint64_t generation;
    char *key;
    int status;

    if (keyturn_get_key(name, KEYTURN_USER, &key, &generation, &error) < 0) {
        fprintf(stderr, "%s: %s\n", name, error.message);
        return EXIT_FAILURE;
    }
    status = ask_huechat(key);
    key = keyturn_key_free(key);
    printf("generation %llu: HTTP status %d\n", (unsigned long long)generation, status);

    /* keyturnd finds out whether the key is dead, and replaces it if it is: fetch again in a moment. */
    if (status == 401 && keyturn_report_rejected(name, KEYTURN_USER, generation, &error) < 0)
        fprintf(stderr, "%s: %s\n", name, error.message);
    return status == 200 ? EXIT_SUCCESS : EXIT_FAILURE;
}
