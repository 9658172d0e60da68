/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can be read by method: GetIntegration, GetSettings, GetHistory, GetHolders, GetLastFetches. */
#pragma once

#include "daemon/bus/bus.h"

int read_get_integration(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int read_get_settings(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
void read_get_history(struct service *service, sd_bus_message *call, const struct caller *caller);
void read_get_holders(struct service *service, sd_bus_message *call, const struct caller *caller);
void read_get_last_fetches(struct service *service, sd_bus_message *call, const struct caller *caller);
