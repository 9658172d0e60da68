/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person may call who may manage. Each is a authority_act: the caller has been authorised. */
#pragma once

#include "daemon/bus/bus.h"

void manage_add_integration(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_remove_integration(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_open_upload(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_import_key(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_set_management_key(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_forget_management_key(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_rotate(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_resume(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_rollback(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_confirm_deleted(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_revoke(struct service *service, sd_bus_message *call, const struct caller *caller);
void manage_reload(struct service *service, sd_bus_message *call, const struct caller *caller);
