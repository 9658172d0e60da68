/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A secret text in memory that is locked, left out of core dumps, gone in a fork, and erased when freed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/core/environment.h"

#define SECRET_MAX 512 /* bytes; a longer text is no key */

struct secret;

/* Whether a text of this length can be a key: 8 to 512 printable ASCII characters without space (so no NUL,
 * CR, LF: one in an item can cost gnome-keyring its whole file). */
bool secret_is_wellformed(const char *text, size_t length);

/* Copies a well-formed text. Returns NULL and sets errno (EINVAL, ENOMEM); the caller erases its own copy. */
struct secret *secret_new(const char *text, size_t length);
struct secret *secret_copy(const struct secret *secret);

/* Erases and frees; NULL is fine. Returns NULL. */
struct secret *secret_free(struct secret *secret);

/* The text, NUL-terminated, valid until secret_free. Never to be printed. */
const char *secret_text(const struct secret *secret);
size_t secret_length(const struct secret *secret);

/* The last four characters, which HueChat shows too. */
const char *secret_last4(const struct secret *secret);
/* Whether it may be the key of that environment that ends so. */
bool secret_fits(const struct secret *secret, enum environment environment, const char *last4);
bool secret_equal(const struct secret *a, const struct secret *b);

/* Whether the memory of secrets could be locked so far (RLIMIT_MEMLOCK). */
bool secret_memory_is_locked(void);

static inline void secret_free_p(struct secret **secret)
{
    *secret = secret_free(*secret);
}

#define _cleanup_secret_ __attribute__((cleanup(secret_free_p)))
