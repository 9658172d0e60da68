/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/operations/operation.h"

/* Forgets an integration: its secrets, its file, its rows. With revoke its key is deleted at HueChat first.
 * Answers when it is done, or when it can't be done now (KT_BUSY, KT_HELD). */
void remove_integration(struct daemon *daemon, const char *name, bool revoke, operation_fn done,
                        void *userdata);

/* After a restart: a removal whose key was deleted at HueChat, but whose integration is still here, goes on.
 */
void remove_carry_on(struct daemon *daemon, const char *name);
