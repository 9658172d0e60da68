/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that come right after a start, before it is known what the keyring has, wait for that. */
#pragma once

#include "daemon/bus/authority.h"

struct settling;

struct settling *settling_new(struct service *service);
struct settling *settling_free(struct settling *settling);

/* act, for a caller that has been authorised: at once, or as soon as the keyring is known; after 10 s in any
 * case. Not if the caller has left by then. */
void settling_wait(struct settling *settling, sd_bus_message *call, const struct caller *caller,
                   authority_act act);

/* It may be known now. */
void settling_look(struct settling *settling);
