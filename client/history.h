/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of the history. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>

/* "2026-11-24 21:58:03 crm draining: ... (by ...)", or one line of JSON; at once, for who reads a pipe. */
void history_print(json_object *entry, bool json);
