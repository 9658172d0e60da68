/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as items of the default collection. Every call wants a session that is ready; attributes are ours
 * (kt_attributes_are_ours). Errors go into an sd_bus_error under the names of the Keyring contract. */
#pragma once

#include "daemon/helpers/secret-service/session.h"

/* One key: both members owned. */
typedef struct KtItem {
    GHashTable *attributes;
    SecretValue *secret;
} KtItem;

/* Creates or replaces the one item with exactly these attributes, and reads it back. */
int kt_item_store(KtSession *session, const char *label, GHashTable *attributes, SecretValue *secret,
                  sd_bus_error *ret_error);

/* The secret of the item with exactly these attributes; release it with secret_value_unref(). NoKey. */
int kt_item_load(KtSession *session, GHashTable *attributes, SecretValue **ret, sd_bus_error *ret_error);

/* Every key, as an array of KtItem. */
int kt_item_load_all(KtSession *session, GPtrArray **ret, sd_bus_error *ret_error);

/* Erases every item with exactly these attributes; none is fine. */
int kt_item_erase(KtSession *session, GHashTable *attributes, sd_bus_error *ret_error);
