/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The world in which keyturnd's rotations act: facts from the registry, records to the ledger, news to the
 * bus. */
#pragma once

#include "daemon/daemon.h"

/* A table whose userdata is the struct daemon. */
const struct rotator_world *rotation_world(void);
