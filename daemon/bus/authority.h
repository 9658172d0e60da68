/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may manage: in user mode that user and root, in system mode root and whom polkit lets. */
#pragma once

#include "daemon/bus/bus.h"

struct authority;

/* NULL: the bus takes no match. */
struct authority *authority_new(struct service *service);
struct authority *authority_free(struct authority *authority);

/* act is called when the caller may, with the call or a copy of it, its arguments not read yet; else the call
 * is answered with AccessDenied, or with Busy where it can't be asked now whether the caller may. */
typedef void (*authority_act)(struct service *service, sd_bus_message *call, const struct caller *caller);

void authority_check(struct service *service, sd_bus_message *call, authority_act act);
