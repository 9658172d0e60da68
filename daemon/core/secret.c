/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Slots in locked pages. The pool is the one piece of global state in keyturnd: locked memory is a property
 * of the process, and a secret may be made anywhere. */
#include "daemon/core/secret.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <glib.h>

#define POOL_BYTES (64 * 1024)

struct secret {
    struct secret *next_free;
    size_t length;
    char text[SECRET_MAX + 1];
};

static struct {
    struct secret *free;
    bool unlocked; /* some page could not be locked */
} pool;

static int pool_grow(void)
{
    struct secret *slots = mmap(NULL, POOL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (slots == MAP_FAILED)
        return -errno;
    if (mlock(slots, POOL_BYTES) < 0)
        pool.unlocked = true;
    madvise(slots, POOL_BYTES, MADV_DONTDUMP);
    madvise(slots, POOL_BYTES, MADV_WIPEONFORK);
    for (size_t i = 0; i < POOL_BYTES / sizeof *slots; i++) {
        slots[i].next_free = pool.free;
        pool.free = &slots[i];
    }
    return 0;
}

bool secret_is_wellformed(const char *text, size_t length)
{
    if (length < 8 || length > SECRET_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isgraph(text[i]))
            return false;
    return true;
}

struct secret *secret_new(const char *text, size_t length)
{
    struct secret *secret;

    if (!secret_is_wellformed(text, length)) {
        errno = EINVAL;
        return NULL;
    }
    if (pool.free == NULL && pool_grow() < 0) {
        errno = ENOMEM;
        return NULL;
    }
    secret = pool.free;
    pool.free = secret->next_free;
    *secret = (struct secret){.length = length};
    memcpy(secret->text, text, length);
    return secret;
}

struct secret *secret_copy(const struct secret *secret)
{
    return secret_new(secret->text, secret->length);
}

struct secret *secret_free(struct secret *secret)
{
    if (secret == NULL)
        return NULL;
    explicit_bzero(secret, sizeof *secret);
    secret->next_free = pool.free;
    pool.free = secret;
    return NULL;
}

const char *secret_text(const struct secret *secret)
{
    return secret->text;
}

size_t secret_length(const struct secret *secret)
{
    return secret->length;
}

const char *secret_last4(const struct secret *secret)
{
    return secret->text + secret->length - 4;
}

bool secret_fits(const struct secret *secret, enum environment environment, const char *last4)
{
    enum environment carried;

    return environment_of_key(secret->text, &carried) == 0 && carried == environment &&
           g_strcmp0(secret_last4(secret), last4) == 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

bool secret_memory_is_locked(void)
{
    return !pool.unlocked;
}
