/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of HueChat's keys a secret belongs to. */
#pragma once

#include "daemon/operations/operation.h"

/* key: what HueChat shows of it, valid during the call; NULL without error: nobody could be asked (no
 * management key), or it is not listed. error: KT_INVALID (several match: --id; or the id is another key's),
 * KT_UNREACHABLE, ... */
typedef void (*identify_fn)(const struct remote_key *key, const GError *error, void *userdata);

/* By id if that is not NULL, else by type and last 4 if they are unique. management is what the listing is
 * asked with, NULL: nobody. */
void identify_key(struct daemon *daemon, enum environment environment, const struct secret *management,
                  const char *id, const char *last4, identify_fn fn, void *userdata);

/* The key of a listing with that id (NULL: any), type and last 4; NULL unless exactly one matches. */
const struct remote_key *identify_in(const struct provider_result *listing, enum environment environment,
                                     const char *id, const char *last4, unsigned *ret_matches);
