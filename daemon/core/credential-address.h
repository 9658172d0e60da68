/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks the credentials socket, and for what: systemd puts both into the address that it connects from. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Reads the name of an abstract address, without the NUL that it begins with: "RANDOM/unit/UNIT/ID". Both
 * texts are printable ASCII, and the first is the name of a unit; the caller frees them (g_free). false, with
 * both untouched: this is not systemd's. */
bool credential_address_parse(const char *name, size_t length, char **ret_unit, char **ret_id);
