/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Anybody can bind such an address, and any bytes in it. */
#include "daemon/core/credential-address.h"

#include <string.h>

#include <glib.h>

#include "daemon/core/policy.h"

bool credential_address_parse(const char *name, size_t length, char **ret_unit, char **ret_id)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) parts = NULL;

    for (size_t i = 0; i < length; i++)
        if (!g_ascii_isgraph(name[i]))
            return false;
    text = g_strndup(name, length);
    parts = g_strsplit(text, "/", -1);
    if (g_strv_length(parts) != 4 || strcmp(parts[1], "unit") != 0 || !unit_name_is_valid(parts[2]) ||
        *parts[3] == '\0')
        return false;
    *ret_unit = g_strdup(parts[2]);
    *ret_id = g_strdup(parts[3]);
    return true;
}
