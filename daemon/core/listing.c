/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list that came in pages, while others may have changed it. */
#include "daemon/core/listing.h"

#include <string.h>

static void clear_key(void *key)
{
    remote_key_clear(key);
}

struct listing *listing_new(void)
{
    struct listing *listing = g_new0(struct listing, 1);

    listing->keys = g_array_new(FALSE, FALSE, sizeof(struct remote_key));
    g_array_set_clear_func(listing->keys, clear_key);
    return listing;
}

struct listing *listing_free(struct listing *listing)
{
    if (listing == NULL)
        return NULL;
    g_array_unref(listing->keys);
    g_free(listing);
    return NULL;
}

static bool ids_are_unique(const struct listing *listing)
{
    g_autoptr(GHashTable) ids = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < listing->keys->len; i++) {
        char *id = g_array_index(listing->keys, struct remote_key, i).id;

        if (id == NULL || *id == '\0' || !g_hash_table_add(ids, id))
            return false;
    }
    return true;
}

static void drop(struct remote_key *keys, size_t n_keys)
{
    for (size_t i = 0; i < n_keys; i++)
        remote_key_clear(&keys[i]);
}

enum listing_result listing_add(struct listing *listing, struct remote_key *keys, size_t n_keys,
                                uint64_t total, bool has_more)
{
    bool changed = listing->pages > 0 && total != listing->total;

    if (n_keys > LISTING_PAGE || total > (uint64_t)LISTING_PAGE * LISTING_MAX_PAGES) {
        drop(keys, n_keys);
        return LISTING_WRONG;
    }
    if (n_keys > 0) {
        g_array_append_vals(listing->keys, keys, (guint)n_keys);
        memset(keys, 0, n_keys * sizeof *keys);
    }
    listing->total = total;
    listing->pages++;
    if (changed || listing->keys->len > total)
        return LISTING_WRONG;
    if (has_more)
        return n_keys > 0 && listing->pages < LISTING_MAX_PAGES ? LISTING_MORE : LISTING_WRONG;
    return listing->keys->len == total && ids_are_unique(listing) ? LISTING_WHOLE : LISTING_WRONG;
}

unsigned listing_offset(const struct listing *listing)
{
    return listing->keys->len;
}
