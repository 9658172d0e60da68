/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/operations/operation.h"

/* Takes in a key that was made elsewhere: probed, identified at HueChat where that is possible, stored, then
 * current; or the new key of a rotation that is awaiting-key. Takes the secret (NULL: none was uploaded). id
 * may be NULL; created_at 0: HueChat's, else now. With id it also names the current key's,
 * where that is not known yet (operations/adopt). Answers with the last 4 characters. */
void import_key(struct daemon *daemon, const char *name, struct secret *secret, const char *id,
                usec_t created_at, operation_fn done, void *userdata);
