/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One environment of HueChat as keyturnd sees it: calls to keyturn-huechat, one at a time, inside the rate
 * budget. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-event.h>

#include "daemon/core/answer.h"
#include "daemon/core/config.h"
#include "daemon/core/secret.h"

struct provider;

enum provider_priority {
    PRIORITY_PERSON,     /* somebody waits for it */
    PRIORITY_BACKGROUND, /* a rotation by itself */
};

struct provider_result {
    /* of the last request that was made; when the helper died or was late: sent = true, status 0 */
    struct answer answer;
    struct remote_key key;   /* create, get */
    struct secret *secret;   /* create; NULL unless the answer is complete */
    bool malformed_secret;   /* create: complete, but what came is no well-formed key */
    struct remote_key *keys; /* list */
    size_t n_keys;
    bool counts; /* list: it is whole */
};

/* result and all in it is valid during the call; a callee that keeps the secret copies it. */
typedef void (*provider_done_fn)(struct provider_result *result, void *userdata);

struct provider_create {
    const char *name;
    enum environment type;
    bool full_access;
    char *const *permissions;
    const char *idempotency_key;
};

/* settings are borrowed and may change between calls (provider_set_settings): what is asked next goes by the
 * new ones. SIGCHLD has to be blocked by the time of the first call. NULL: no memory. */
struct provider *provider_new(sd_event *event, const char *helper_program,
                              const struct api_settings *settings);

/* Open calls are answered first, with what is known of them; from a callback too. Returns NULL. */
struct provider *provider_free(struct provider *provider);
void provider_set_settings(struct provider *provider, const struct api_settings *settings);

/* sending, if not NULL, is called right before the request leaves the queue (its intent is then committed);
 * when it answers false nothing is sent and done gets sent = false. done is called exactly once, neither of
 * them from inside the call. Arguments are copied. Deadline of the helper: Timeout + 5 s. */
typedef bool (*provider_sending_fn)(void *userdata);
void provider_create(struct provider *provider, enum provider_priority priority,
                     const struct secret *management, const struct provider_create *create,
                     provider_sending_fn sending, provider_done_fn done, void *userdata);
/* All pages, put together by core/listing; no other request comes between. The answer is that of the last
 * page asked for, and keys is what came until then. */
void provider_list(struct provider *provider, enum provider_priority priority,
                   const struct secret *management, provider_done_fn done, void *userdata);
void provider_get(struct provider *provider, enum provider_priority priority, const struct secret *management,
                  const char *id, provider_done_fn done, void *userdata);
void provider_delete(struct provider *provider, enum provider_priority priority,
                     const struct secret *management, const char *id, provider_done_fn done, void *userdata);
void provider_probe(struct provider *provider, enum provider_priority priority, const struct secret *key,
                    provider_done_fn done, void *userdata);
