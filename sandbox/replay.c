/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table by environment and Idempotency-Key. */
#include "sandbox/replay.h"

struct replay {
    GHashTable *seen; /* "test KEY" -> struct seen */
};

struct seen {
    char *body_hash;
    json_object *answer;
    usec_t when;
};

static void free_seen(void *p)
{
    struct seen *seen = p;

    g_free(seen->body_hash);
    json_object_put(seen->answer);
    g_free(seen);
}

struct replay *replay_new(void)
{
    struct replay *replay = g_new0(struct replay, 1);

    replay->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_seen);
    return replay;
}

struct replay *replay_free(struct replay *replay)
{
    if (replay == NULL)
        return NULL;
    g_hash_table_unref(replay->seen);
    g_free(replay);
    return NULL;
}

static char *index_of(enum key_type type, const char *idempotency_key)
{
    return g_strdup_printf("%s %s", key_type_name(type), idempotency_key);
}

void replay_add(struct replay *replay, enum key_type type, const char *idempotency_key, const char *body_hash,
                json_object *answer, usec_t when)
{
    struct seen *seen = g_new0(struct seen, 1);

    seen->body_hash = g_strdup(body_hash);
    seen->answer = json_object_get(answer);
    seen->when = when;
    g_hash_table_replace(replay->seen, index_of(type, idempotency_key), seen);
}

enum replay_verdict replay_find(struct replay *replay, enum key_type type, const char *idempotency_key,
                                const char *body_hash, usec_t now, json_object **ret_answer)
{
    g_autofree char *index = index_of(type, idempotency_key);
    const struct seen *seen = g_hash_table_lookup(replay->seen, index);

    if (seen == NULL || usec_sub(now, seen->when) > USEC_PER_DAY)
        return REPLAY_NEW;
    if (g_strcmp0(seen->body_hash, body_hash) != 0)
        return REPLAY_CONFLICT;
    if (seen->answer == NULL)
        return REPLAY_GONE;
    *ret_answer = seen->answer;
    return REPLAY_SAME;
}
