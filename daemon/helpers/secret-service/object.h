/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.keyturn1.Keyring on a connection to the daemon. */
#pragma once

#include "daemon/helpers/secret-service/session.h"

/* Serves the session at KT_HELPER_PATH for as long as the bus lives; both stay the caller's. */
int kt_object_add(sd_bus *bus, KtSession *session);
