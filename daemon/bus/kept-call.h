/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that are answered later. A message may be as large as the bus lets it be, and whoever sent it is not
 * known yet: what is kept is a copy of its arguments, if they are small, and of where the answer goes. */
#pragma once

#include <stddef.h>

#include <systemd/sd-bus.h>

/* Arguments may take that much. */
#define KEPT_CALL_MAX (32 * 1024)

/* What a call costs beside its arguments, about. */
#define KEPT_CALL_BASE 512

/* A method call that can be read and answered as the one it was made of, whose arguments are used up. The
 * caller releases it. *ret_size: what it takes, about; NULL: not asked. -E2BIG: the arguments take too much;
 * else negative errno. */
int kept_call_new(sd_bus_message *call, sd_bus_message **ret, size_t *ret_size);
