/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bucket a uid, filled by time; one that is full again is forgotten. */
#include "daemon/bus/pace.h"

#include <time.h>

#include <glib.h>

#define BUCKETS_KEPT 64

struct bucket {
    double left;
    usec_t at; /* when that was so */
};

struct pace {
    unsigned burst, per_second;
    GHashTable *buckets; /* uid -> struct bucket */
};

struct pace *pace_new(unsigned burst, unsigned per_second)
{
    struct pace *pace = g_new0(struct pace, 1);

    *pace =
        (struct pace){burst, per_second, g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free)};
    return pace;
}

struct pace *pace_free(struct pace *pace)
{
    if (pace == NULL)
        return NULL;
    g_hash_table_destroy(pace->buckets);
    g_free(pace);
    return NULL;
}

usec_t pace_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

static void fill(const struct pace *pace, struct bucket *bucket, usec_t now)
{
    bucket->left += (double)usec_sub(now, bucket->at) * pace->per_second / USEC_PER_SEC;
    bucket->left = MIN(bucket->left, pace->burst);
    bucket->at = now;
}

static void forget_full(struct pace *pace, usec_t now)
{
    GHashTableIter iter;
    void *bucket;

    g_hash_table_iter_init(&iter, pace->buckets);
    while (g_hash_table_iter_next(&iter, NULL, &bucket)) {
        fill(pace, bucket, now);
        if (((const struct bucket *)bucket)->left >= pace->burst)
            g_hash_table_iter_remove(&iter);
    }
}

static struct bucket *bucket_of(struct pace *pace, uid_t uid, usec_t now)
{
    struct bucket *bucket = g_hash_table_lookup(pace->buckets, GUINT_TO_POINTER(uid));

    if (bucket != NULL)
        return bucket;
    if (g_hash_table_size(pace->buckets) >= BUCKETS_KEPT)
        forget_full(pace, now);
    bucket = g_new0(struct bucket, 1);
    *bucket = (struct bucket){pace->burst, now};
    g_hash_table_insert(pace->buckets, GUINT_TO_POINTER(uid), bucket);
    return bucket;
}

bool pace_take(struct pace *pace, uid_t uid, unsigned cost, usec_t now)
{
    struct bucket *bucket = bucket_of(pace, uid, now);
    unsigned taken = MIN(cost, pace->burst);

    fill(pace, bucket, now);
    if (bucket->left < taken)
        return false;
    bucket->left -= taken;
    return true;
}
