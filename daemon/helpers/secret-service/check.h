/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What state the keyring is in, and whether it really keeps what it is given. */
#pragma once

#include "daemon/helpers/secret-service/session.h"

/* Puts "unlocked", "locked" or "absent" into *ret. With write, an unlocked one also has to store, give back
 * and erase an item. Without write, no service is started: one that only waits to be started is "unlocked",
 * since nothing but starting it can tell more. Failed. */
int kt_check(KtSession *session, bool write, const char **ret, sd_bus_error *ret_error);
