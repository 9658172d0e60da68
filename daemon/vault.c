/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two tables of secrets. */
#include "daemon/vault.h"

#include <errno.h>

#include <glib.h>

struct vault {
    GHashTable *keys;  /* ledger's number -> secret */
    GHashTable *fresh; /* rid -> secret */
};

static void free_secret(void *secret)
{
    secret_free(secret);
}

struct vault *vault_new(void)
{
    struct vault *vault = g_new0(struct vault, 1);

    vault->keys = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_secret);
    vault->fresh = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_secret);
    return vault;
}

struct vault *vault_free(struct vault *vault)
{
    if (vault == NULL)
        return NULL;
    g_hash_table_destroy(vault->keys);
    g_hash_table_destroy(vault->fresh);
    g_free(vault);
    return NULL;
}

int vault_put(struct vault *vault, uint64_t key, const struct secret *secret)
{
    struct secret *copy = secret_copy(secret);

    if (copy == NULL)
        return -ENOMEM;
    g_hash_table_insert(vault->keys, g_memdup2(&key, sizeof key), copy);
    return 0;
}

const struct secret *vault_get(struct vault *vault, uint64_t key)
{
    return g_hash_table_lookup(vault->keys, &key);
}

void vault_remove(struct vault *vault, uint64_t key)
{
    g_hash_table_remove(vault->keys, &key);
}

bool vault_holds(struct vault *vault, const struct secret *secret, uint64_t except)
{
    GHashTableIter iter;
    void *key, *value;

    g_hash_table_iter_init(&iter, vault->keys);
    while (g_hash_table_iter_next(&iter, &key, &value))
        if (*(const uint64_t *)key != except && secret_equal(value, secret))
            return true;
    return false;
}

bool vault_holds_fresh(struct vault *vault, const struct secret *secret, const char *rid)
{
    GHashTableIter iter;
    void *key, *value;

    g_hash_table_iter_init(&iter, vault->fresh);
    while (g_hash_table_iter_next(&iter, &key, &value))
        if (strcmp(key, rid) != 0 && secret_equal(value, secret))
            return true;
    return false;
}

int vault_put_fresh(struct vault *vault, const char *rid, const struct secret *secret)
{
    struct secret *copy = secret_copy(secret);

    if (copy == NULL)
        return -ENOMEM;
    g_hash_table_insert(vault->fresh, g_strdup(rid), copy);
    return 0;
}

const struct secret *vault_get_fresh(struct vault *vault, const char *rid)
{
    return g_hash_table_lookup(vault->fresh, rid);
}

void vault_remove_fresh(struct vault *vault, const char *rid)
{
    g_hash_table_remove(vault->fresh, rid);
}

void vault_drop(struct vault *vault)
{
    g_hash_table_remove_all(vault->keys);
}
