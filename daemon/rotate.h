/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a rotation: its record from the integration as it is now. */
#pragma once

#include "daemon/daemon.h"

/* Returns its id once the intent is on disk; the caller frees it (g_free). Errors: KT_BUSY, KT_HELD (one is
 * under way), KT_NO_MANAGEMENT_KEY, KT_FAILED (disk). */
char *rotate_begin(struct daemon *daemon, struct entry *entry, enum rotation_cause cause, GError **error);

/* A key that was current once and that no rotation looks after (a rebuilt ledger leaves such): lets it drain
 * and be deleted behind the gates. True if one has started. */
bool rotate_leftover(struct daemon *daemon, struct entry *entry);
