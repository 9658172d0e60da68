/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What everybody may ask for and what is dear: all objects at once, and introspection. */
#pragma once

#include "daemon/bus/bus.h"

struct managed_objects;

/* Takes these calls before sd-bus answers them. NULL: the bus takes no filter. */
struct managed_objects *managed_objects_new(struct service *service);
struct managed_objects *managed_objects_free(struct managed_objects *objects);
