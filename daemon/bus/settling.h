/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that come right after a start, before it is known what the keyring has, wait for that. */
#pragma once

#include "daemon/bus/authority.h"

struct settling;

struct settling *settling_new(struct service *service);
struct settling *settling_free(struct settling *settling);

/* authority_check(), at once or as soon as the keyring is known; after 10 s in any case. */
void settling_check(struct settling *settling, sd_bus_message *call, authority_act act);

/* It may be known now. */
void settling_look(struct settling *settling);
