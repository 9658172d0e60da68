/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.keyturn1.Provider on a connection to the daemon. */
#pragma once

#include <systemd/sd-bus.h>

/* Serves it at KT_HELPER_PATH for as long as the bus lives. 0 or negative errno. */
int object_add(sd_bus *bus);
