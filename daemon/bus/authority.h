/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may manage: in user mode that user and root, in system mode root and whom polkit lets. */
#pragma once

#include "daemon/bus/bus.h"

/* act is called when the caller may; else the call is answered with AccessDenied. */
typedef void (*authority_act)(struct service *service, sd_bus_message *call, const struct caller *caller);

void authority_check(struct service *service, sd_bus_message *call, authority_act act);
