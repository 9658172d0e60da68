/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Brings secrets from the keyring into the vault: all in one batch, or one that is asked for earlier. */
#pragma once

#include "daemon/daemon.h"

/* The keyring can be read: takes all, then wakes the rotations. */
void secrets_load_all(struct daemon *daemon);

/* The keyring was locked or is gone. */
void secrets_drop(struct daemon *daemon);

/* secret: the current key's, valid during the call; or NULL with a GError's content (KT_KEYRING_LOCKED,
 * KT_NO_KEY, ...). */
typedef void (*secrets_fn)(const struct secret *secret, const GError *error, void *userdata);

/* Answers from memory at once, or, where the key is not there yet, from the keyring later. */
void secrets_get(struct daemon *daemon, struct entry *entry, secrets_fn fn, void *userdata);
