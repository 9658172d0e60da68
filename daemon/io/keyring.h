/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keyring as keyturnd sees it: calls to keyturn-secret-service, and the keyring's state as the bus tells
 * it. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "daemon/core/environment.h"
#include "daemon/core/secret.h"
#include "daemon/util/clock.h"

struct keyring;

enum keyring_state {
    KEYRING_ABSENT,
    KEYRING_LOCKED,
    KEYRING_UNLOCKED,
};

const char *keyring_state_name(enum keyring_state state);

/* Which item: a key of an integration, or (integration NULL) the management key of an environment. */
struct keyring_item {
    const char *integration;
    enum environment environment;
    const char *
        key_id; /* HueChat's id, or the ledger's stand-in (a management key of a person's: its environment) */
};

/* The state has changed. */
typedef void (*keyring_state_fn)(enum keyring_state state, void *userdata);

/* result: 0; -EAGAIN: locked or absent; -ENOKEY: no such item; -EIO: anything else; -ETIMEDOUT: the helper
 * was late. message (never a secret, NULL with 0) says what. secret only from a load. Both are valid during
 * the call. */
typedef void (*keyring_done_fn)(int result, const struct secret *secret, const char *message, void *userdata);

/* One item of a batch; then done with the result. Items that hold no well-formed key come with secret NULL.
 */
typedef void (*keyring_item_fn)(const struct keyring_item *item, const struct secret *secret, void *userdata);

/* Watches the state too (keyring-watch.h); it is absent until the bus has answered. state_fn is called when
 * it is known first, and after every change, never from inside a call. SIGCHLD has to be blocked by the time
 * of the first call. NULL: no memory. */
struct keyring *keyring_new(sd_event *event, const char *helper_program, keyring_state_fn state_fn,
                            void *userdata);

/* Open calls are answered with -EIO before this returns; from a callback too. Returns NULL. */
struct keyring *keyring_free(struct keyring *keyring);

enum keyring_state keyring_get_state(const struct keyring *keyring);

/* False for the moment after a start in which the bus has not answered yet. */
bool keyring_knows_state(const struct keyring *keyring);

/* Each: done is called exactly once, never from inside the call. They are performed one after the other; each
 * has 30 s, a batch 120 s. A helper that is late or died is replaced and the call made once more: every one
 * of them may be made twice. Arguments are copied. */
void keyring_store(struct keyring *keyring, const struct keyring_item *item, const struct secret *secret,
                   keyring_done_fn done, void *userdata);
void keyring_load(struct keyring *keyring, const struct keyring_item *item, keyring_done_fn done,
                  void *userdata);
void keyring_load_all(struct keyring *keyring, keyring_item_fn each, keyring_done_fn done, void *userdata);
void keyring_erase(struct keyring *keyring, const struct keyring_item *item, keyring_done_fn done,
                   void *userdata);

/* Proves that it can be written. */
void keyring_check(struct keyring *keyring, keyring_done_fn done, void *userdata);
