/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat's documents: what is promised of each, and nothing that does not keep it. Pure: text in, structs
 * out. The only place of JSON.
 *
 * The readers return 0, or -EBADMSG with *ret untouched and *ret_why the name of the field that does not fit
 * (static), or NULL if the text is no JSON object. Further fields that nobody knows are passed over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "daemon/util/clock.h"

/* Bytes of what HueChat makes up, at most. */
#define CONTRACT_ID_MAX 128
#define CONTRACT_SECRET_MAX 512

struct key {
    char *id;
    char *name; /* what can't be shown in it is replaced by U+FFFD */
    char *type;
    char *access;
    char **permissions;
    char *last4;
    usec_t created_at;   /* 0: not told */
    usec_t last_used_at; /* 0: never, or not told */
};

struct listing {
    GPtrArray *keys; /* of struct key */
    uint64_t total;
    bool has_more;
};

/* A documented error body. */
struct fault {
    char *error; /* a word */
    char *message;
    char *request_id;   /* a word, or empty */
    usec_t retry_after; /* 0: not told */
};

int contract_read_key(const char *text, size_t length, struct key *ret, const char **ret_why);

/* A key just made, with its secret, which the caller erases and frees. */
int contract_read_created(const char *text, size_t length, struct key *ret, char **ret_secret,
                          const char **ret_why);

/* The page of keys that begins at offset, of limit keys at most. */
int contract_read_listing(const char *text, size_t length, unsigned limit, unsigned offset,
                          struct listing *ret, const char **ret_why);

/* An object with "data". */
int contract_read_data(const char *text, size_t length, const char **ret_why);

/* Any object. */
int contract_read_object(const char *text, size_t length, const char **ret_why);

int contract_read_fault(const char *text, size_t length, unsigned status, struct fault *ret,
                        const char **ret_why);

/* The body of a create. The caller frees it (g_free). */
char *contract_write_key(const char *name, const char *type, const char *access, char *const *permissions);

/* These free what is inside. */
void key_clear(struct key *key);
void listing_clear(struct listing *listing);
void fault_clear(struct fault *fault);
