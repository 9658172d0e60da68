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
    const char *key_id; /* HueChat's id, or the ledger's stand-in for one that is not known yet */
};

/* The state has changed. */
typedef void (*keyring_state_fn)(enum keyring_state state, void *userdata);

/* result: 0; -EAGAIN: locked or absent; -ENOKEY: no such item; -EIO: anything else, message (never a secret)
 * says what; -ETIMEDOUT: the helper was late. secret only from a load, valid during the call. */
typedef void (*keyring_done_fn)(int result, const struct secret *secret, const char *message, void *userdata);

/* One item of a batch; then done with the result. Items that hold no well-formed key come with secret NULL.
 */
typedef void (*keyring_item_fn)(const struct keyring_item *item, const struct secret *secret, void *userdata);

/* Connects to the bus of the Secret Service ($DBUS_SESSION_BUS_ADDRESS or the user's) to watch its state:
 * owner of org.freedesktop.secrets, ReadAlias("default") and the collection's Locked, asked asynchronously,
 * with reconnection should that bus restart. Never starts the service by watching; a service that is only
 * activatable counts as what the helper's Check says. state_fn is called after every change, never from
 * inside a call. */
struct keyring *keyring_new(sd_event *event, const char *helper_program, keyring_state_fn state_fn,
                            void *userdata);
struct keyring *keyring_free(struct keyring *keyring);

enum keyring_state keyring_get_state(const struct keyring *keyring);

/* Each: done is called exactly once, never from inside the call. Deadline: 30 s, a batch 120 s. A helper that
 * is late or whose service restarted is replaced; a read is then tried once more. */
void keyring_store(struct keyring *keyring, const struct keyring_item *item, const struct secret *secret,
                   keyring_done_fn done, void *userdata);
void keyring_load(struct keyring *keyring, const struct keyring_item *item, keyring_done_fn done,
                  void *userdata);
void keyring_load_all(struct keyring *keyring, keyring_item_fn each, keyring_done_fn done, void *userdata);
void keyring_erase(struct keyring *keyring, const struct keyring_item *item, keyring_done_fn done,
                   void *userdata);

/* Proves that it can be written. */
void keyring_check(struct keyring *keyring, keyring_done_fn done, void *userdata);
