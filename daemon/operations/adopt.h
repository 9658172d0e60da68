/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/operations/operation.h"

/* Whether this secret is the integration's current key, whose id at HueChat nobody knows yet. */
bool adopt_is_possible(struct daemon *daemon, const struct entry *entry, const struct secret *secret);

/* A person names that id: compared with HueChat's list, then noted. Answers with the last 4 characters. A
 * rotation that was held for want of the id goes on with keyturn resume. */
void adopt_key(struct daemon *daemon, const struct entry *entry, const char *id, operation_fn done,
               void *userdata);
