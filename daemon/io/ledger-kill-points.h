/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the kill sweep: keyturnd ends itself at a transition of the ledger. Not in a build that ships. */
#pragma once

#include <sqlite3.h>

#ifdef KT_KILL_POINTS
void kill_points_arm(sqlite3 *db);
#else
static inline void kill_points_arm(sqlite3 *db)
{
}
#endif
