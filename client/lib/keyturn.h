/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libkeyturn: fetches HueChat API keys from keyturnd. The key comes through a socket, so a monitor of the bus
 * does not see it, and is taken from keyturnd alone. Every call opens and closes a connection of
 * its own, so any thread may call. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum keyturn_flags {
    KEYTURN_USER = 0,        /* the keyturnd of this user */
    KEYTURN_SYSTEM = 1 << 0, /* the one of the system */
};

struct keyturn_error {
    char name[128];    /* D-Bus name, such as org.keyturn1.Error.NoKey; empty if the failure is local */
    char message[512]; /* one line, "what went wrong: what to do", never a secret */
};

/* Fetches the current key of the integration `name`. *ret_key is the caller's and ends with
 * keyturn_key_free(); *ret_generation, for the two calls below, may be NULL. Returns 0, or a negative errno
 * with *error (may be NULL) filled and nothing else touched. */
int keyturn_get_key(const char *name, unsigned flags, char **ret_key, uint64_t *ret_generation,
                    struct keyturn_error *error);

/* Erases the key and frees it. Returns NULL; NULL is fine. */
char *keyturn_key_free(char *key);

/* Says that this process uses `generation` and is done with every older one. Returns as keyturn_get_key(). */
int keyturn_acknowledge(const char *name, unsigned flags, uint64_t generation, struct keyturn_error *error);

/* Says that HueChat answered 401 to the key of `generation`: keyturnd looks into it, and may rotate. Fetch
 * again after the signal KeyChanged. Returns as keyturn_get_key(). */
int keyturn_report_rejected(const char *name, unsigned flags, uint64_t generation,
                            struct keyturn_error *error);

#ifdef __cplusplus
}
#endif
