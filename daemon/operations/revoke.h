/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/operations/operation.h"

/* Deletes the current key at HueChat and answers when that is proved. Without force KT_IN_USE while a holder
 * lives, or when HueChat saw the key used within the last hour (keyturn's own probes excepted). */
void revoke_key(struct daemon *daemon, const char *name, bool force, operation_fn done, void *userdata);

/* An app got 401 with the key of that generation: asks HueChat, and where the key is dead has another one
 * made, at most once an hour. Answers at once; what comes of it shows in the integration. */
void report_rejected(struct daemon *daemon, struct entry *entry, uint64_t generation, operation_fn done,
                     void *userdata);
