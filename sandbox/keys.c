/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list for the order, and two tables to find a key by id and by secret. */
#include "sandbox/keys.h"

#include "sandbox/text.h"

struct keys {
    GPtrArray *all; /* owns them */
    GHashTable *by_id;
    GHashTable *by_hash;
};

const char *const key_scopes[] = {
    "contacts:read",  "contacts:write",  "conversations:read", "conversations:write", "channels:read",
    "channels:write", "webhooks:manage", "admin:read",         "admin:write",         NULL,
};

const char *key_type_name(enum key_type type)
{
    return type == KEY_LIVE ? "live" : "test";
}

const char *key_type_prefix(enum key_type type)
{
    return type == KEY_LIVE ? "sk_live_" : "sk_test_";
}

bool key_type_parse(const char *name, enum key_type *ret)
{
    if (g_strcmp0(name, "live") != 0 && g_strcmp0(name, "test") != 0)
        return false;
    *ret = name[0] == 'l' ? KEY_LIVE : KEY_TEST;
    return true;
}

struct key *key_new(void)
{
    struct key *key = g_new0(struct key, 1);

    key->id = text_random("key_", TEXT_HEX, 16);
    return key;
}

struct key *key_free(struct key *key)
{
    if (key == NULL)
        return NULL;
    g_free(key->id);
    g_free(key->name);
    g_strfreev(key->permissions);
    g_free(key->last4);
    g_free(key->hash);
    g_free(key->origin);
    g_free(key->idempotency_key);
    g_free(key->body_hash);
    g_free(key);
    return NULL;
}

bool key_may(const struct key *key, const char *scope)
{
    return key->full || g_strv_contains((const char *const *)key->permissions, scope);
}

bool key_works(const struct key *key, usec_t now)
{
    return now >= key->works_from && (key->deleted_at == 0 || now < key->works_until);
}

static void free_key(void *key)
{
    key_free(key);
}

struct keys *keys_new(void)
{
    struct keys *keys = g_new0(struct keys, 1);

    keys->all = g_ptr_array_new_with_free_func(free_key);
    keys->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    keys->by_hash = g_hash_table_new(g_str_hash, g_str_equal);
    return keys;
}

struct keys *keys_free(struct keys *keys)
{
    if (keys == NULL)
        return NULL;
    g_hash_table_unref(keys->by_id);
    g_hash_table_unref(keys->by_hash);
    g_ptr_array_unref(keys->all);
    g_free(keys);
    return NULL;
}

void keys_add(struct keys *keys, struct key *key)
{
    g_ptr_array_add(keys->all, key);
    g_hash_table_insert(keys->by_id, key->id, key);
    g_hash_table_insert(keys->by_hash, key->hash, key);
}

struct key *keys_by_id(struct keys *keys, const char *id)
{
    return g_hash_table_lookup(keys->by_id, id);
}

struct key *keys_by_secret(struct keys *keys, const char *secret)
{
    g_autofree char *hash = text_hash(secret);

    return g_hash_table_lookup(keys->by_hash, hash);
}

const GPtrArray *keys_all(const struct keys *keys)
{
    return keys->all;
}

GPtrArray *keys_living(const struct keys *keys, enum key_type type)
{
    GPtrArray *living = g_ptr_array_new();

    for (unsigned i = keys->all->len; i > 0; i--) {
        struct key *key = g_ptr_array_index(keys->all, i - 1);

        if (key->type == type && key->deleted_at == 0)
            g_ptr_array_add(living, key);
    }
    return living;
}
