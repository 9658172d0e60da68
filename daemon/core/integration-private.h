/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between integration.c and integration-file.c. */
#pragma once

#include "daemon/core/integration.h"

#define MAX_OVERLAP_DEFAULT (7 * USEC_PER_DAY)
#define SPAN_MAX (36500 * USEC_PER_DAY) /* a century: sums of spans and dates stay in range */

/* As integration_check(), but returns the setting at fault ("": the name), or NULL. */
const char *integration_fault(const struct integration *integration, char *const *extra_permissions,
                              GError **error);

bool integration_check_rules(char *const *rules, GError **error);
bool integration_check_units(const char *key, char *const *units, GError **error);
