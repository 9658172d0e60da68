/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What was answered under an Idempotency-Key, for a day. Kept in memory alone, since an answer holds a
 * secret. */
#pragma once

#include "daemon/util/clock.h"
#include "sandbox/json.h"
#include "sandbox/keys.h"

enum replay_verdict {
    REPLAY_NEW,      /* not seen within a day */
    REPLAY_SAME,     /* the same request: its answer stands */
    REPLAY_CONFLICT, /* another request under the same Idempotency-Key */
    REPLAY_GONE,     /* the same request, but its answer did not outlive a restart */
};

struct replay;

struct replay *replay_new(void);
struct replay *replay_free(struct replay *replay);

/* Notes an answer (NULL: it is gone), taking a reference to it; times are HueChat's. */
void replay_add(struct replay *replay, enum key_type type, const char *idempotency_key, const char *body_hash,
                json_object *answer, usec_t when);

/* REPLAY_SAME sets *ret_answer; it stays the store's. */
enum replay_verdict replay_find(struct replay *replay, enum key_type type, const char *idempotency_key,
                                const char *body_hash, usec_t now, json_object **ret_answer);
