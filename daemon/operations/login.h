/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/operations/operation.h"

/* Stores the management key of an environment once a listing with it has counted. Takes the secret (NULL:
 * none was uploaded). id may be NULL: it is found by type and last 4, and stays unknown where several match.
 */
void login(struct daemon *daemon, enum environment environment, struct secret *secret, const char *id,
           operation_fn done, void *userdata);

/* Forgets it: nothing rotates in that environment until the next login. */
void logout(struct daemon *daemon, enum environment environment, operation_fn done, void *userdata);
