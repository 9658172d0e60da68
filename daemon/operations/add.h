/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "daemon/operations/operation.h"

/* Defines an integration and (issue) has its first key created; answers once that key is current. Takes the
 * definition. After a definite failure nothing stays; after an unknown outcome the integration stays and its
 * rotation goes on, and the error (KT_UNREACHABLE, KT_HELD) says so. */
void add_integration(struct daemon *daemon, struct integration *definition, bool issue, operation_fn done,
                     void *userdata);
