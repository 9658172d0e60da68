/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/bus/bus.h"

/* Explain: what the policy says of pid:N, unit:X, user:NAME or sender:NAME, and why. A authority_act. */
void explain(struct service *service, sd_bus_message *call, const struct caller *caller);
