/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets in locked memory while keyturnd may have them. Written through to the keyring by performer; knows
 * no keyring itself. */
#pragma once

#include <stdint.h>

#include "daemon/core/secret.h"

struct vault;

struct vault *vault_new(void);
struct vault *vault_free(struct vault *vault);

/* By the ledger's number of the key. The secret is copied; NULL or -ENOMEM only when memory is out. */
int vault_put(struct vault *vault, uint64_t key, const struct secret *secret);
const struct secret *vault_get(struct vault *vault, uint64_t key);
void vault_remove(struct vault *vault, uint64_t key);

/* Whether any of them but that of key `except` (0: none) is this one. */
bool vault_holds(struct vault *vault, const struct secret *secret, uint64_t except);

/* A new secret that is not in the keyring yet, by its rotation's id. It outlives a lock: it is nowhere else.
 */
int vault_put_fresh(struct vault *vault, const char *rid, const struct secret *secret);
const struct secret *vault_get_fresh(struct vault *vault, const char *rid);

/* Whether another rotation than rid has this one. */
bool vault_holds_fresh(struct vault *vault, const struct secret *secret, const char *rid);
void vault_remove_fresh(struct vault *vault, const char *rid);

/* The keyring was locked or is gone: all but the fresh ones are erased. */
void vault_drop(struct vault *vault);
