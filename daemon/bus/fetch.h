/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an application may call: GetKey, GetKeyToFd, OpenKey, Acknowledge, ReportRejected. */
#pragma once

#include "daemon/bus/bus.h"

/* Method handlers of org.keyturn1.Manager; userdata is the service. */
int fetch_get_key(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int fetch_get_key_to_fd(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int fetch_open_key(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int fetch_acknowledge(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
int fetch_report_rejected(sd_bus_message *call, void *userdata, sd_bus_error *ret_error);
