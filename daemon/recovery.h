/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives a ledger that was lost back what the keyring's attributes and a listing tell: the newest living key
 * of an integration is current, the others retire. */
#pragma once

#include "daemon/daemon.h"

struct recovery;

struct recovery *recovery_new(struct daemon *daemon);
struct recovery *recovery_free(struct recovery *recovery);

/* An item of the keyring that the ledger does not know. */
void recovery_note(struct recovery *recovery, const struct keyring_item *item, const struct secret *secret);

/* All items are noted: takes back what belongs to integrations without any key, asking HueChat where there is
 * a management key. Items of unknown integrations stay where they are. Frees itself when it is done. */
void recovery_finish(struct recovery *recovery);
