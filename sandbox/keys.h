/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keys of the account, those that are and those that were. A pure store: no files, no clock, no secrets.
 */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "daemon/util/clock.h"

#define KEY_NAME_MAX 100

enum key_type {
    KEY_LIVE, /* production */
    KEY_TEST, /* development */
};

struct key {
    char *id;
    char *name;
    enum key_type type;
    bool full;
    char **permissions; /* empty for Full Access */
    char *last4;
    char *hash;   /* SHA-256 of the secret */
    char *origin; /* "start", "dashboard" or "api" */
    char *idempotency_key;
    char *body_hash;     /* of the request that created it */
    usec_t created_at;   /* HueChat's time, as the next two */
    usec_t deleted_at;   /* 0: it lives */
    usec_t last_used_at; /* 0: never */
    usec_t works_from;   /* our time: a new key that is not known everywhere yet */
    usec_t works_until;  /* our time: a deleted key that still works somewhere */
};

struct keys;

/* The nine published scopes, NULL at the end. */
extern const char *const key_scopes[];

const char *key_type_name(enum key_type type);
const char *key_type_prefix(enum key_type type);
bool key_type_parse(const char *name, enum key_type *ret);

/* A key with its id and, but for the secret, all else yet to fill in. */
struct key *key_new(void);
struct key *key_free(struct key *key);

/* Whether the key holds the scope. */
bool key_may(const struct key *key, const char *scope);

/* Whether it opens anything at this moment of our time. */
bool key_works(const struct key *key, usec_t now);

struct keys *keys_new(void);
struct keys *keys_free(struct keys *keys);

/* Takes the key. */
void keys_add(struct keys *keys, struct key *key);

/* Also those that were deleted. The key stays the store's; NULL: there was none. */
struct key *keys_by_id(struct keys *keys, const char *id);
struct key *keys_by_secret(struct keys *keys, const char *secret);

/* All that ever were, oldest first. The array stays the store's. */
const GPtrArray *keys_all(const struct keys *keys);

/* Those that live in an environment, newest first. The caller frees the array alone (g_ptr_array_unref). */
GPtrArray *keys_living(const struct keys *keys, enum key_type type);
