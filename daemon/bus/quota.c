/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A count a uid; who has none has no entry. */
#include "daemon/bus/quota.h"

#include <glib.h>

struct quota {
    unsigned each, all, taken;
    GHashTable *counts; /* uid -> how many */
};

struct quota *quota_new(unsigned each, unsigned all)
{
    struct quota *quota = g_new0(struct quota, 1);

    *quota = (struct quota){each, all, 0, g_hash_table_new(g_direct_hash, g_direct_equal)};
    return quota;
}

struct quota *quota_free(struct quota *quota)
{
    if (quota == NULL)
        return NULL;
    g_hash_table_destroy(quota->counts);
    g_free(quota);
    return NULL;
}

static unsigned count_of(const struct quota *quota, uid_t uid)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(quota->counts, GUINT_TO_POINTER(uid)));
}

bool quota_take(struct quota *quota, uid_t uid)
{
    unsigned count = count_of(quota, uid);

    if (count >= quota->each || quota->taken >= quota->all)
        return false;
    g_hash_table_insert(quota->counts, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count + 1));
    quota->taken++;
    return true;
}

void quota_give_back(struct quota *quota, uid_t uid)
{
    unsigned count = count_of(quota, uid);

    g_return_if_fail(count > 0);
    quota->taken--;
    if (count == 1)
        g_hash_table_remove(quota->counts, GUINT_TO_POINTER(uid));
    else
        g_hash_table_insert(quota->counts, GUINT_TO_POINTER(uid), GUINT_TO_POINTER(count - 1));
}
