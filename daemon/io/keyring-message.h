/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in messages of org.keyturn1.Keyring. Knows no connection. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/io/keyring.h"

/* Label, attributes and secret, as Store takes them. 0 or negative errno. */
int keyring_append_store(sd_bus_message *m, const struct keyring_item *item, const struct secret *secret);

/* An item's attributes. 0 or negative errno. */
int keyring_append_item(sd_bus_message *m, const struct keyring_item *item);

/* A secret; the caller frees it. 0 or negative errno; -EINVAL: it is no well-formed key. */
int keyring_read_secret(sd_bus_message *m, struct secret **ret);

/* The next of the array of items that LoadAll answers, which was entered before. The item's texts are
 * borrowed from the message; the caller frees the secret, NULL if it is no well-formed key. 1, 0 at the end,
 * or negative errno; -ENOENT: an item that is none of ours was passed over. */
int keyring_read_item(sd_bus_message *m, struct keyring_item *ret, struct secret **ret_secret);

/* The state that Check answers. 0 or negative errno. */
int keyring_read_state(sd_bus_message *m, enum keyring_state *ret);
