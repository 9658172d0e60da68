/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The address that asks the credentials socket: what is believed of it can be written into log and history,
 * and is all that there was. */
#include "tests/fuzz/fuzz.h"

#include "daemon/core/credential-address.h"
#include "daemon/core/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *unit = NULL, *id = NULL, *end = NULL;

    if (!credential_address_parse((const char *)data, size, &unit, &id)) {
        fuzz_assert(unit == NULL && id == NULL);
        return 0;
    }
    fuzz_assert(unit_name_is_valid(unit) && *id != '\0');
    for (const char *c = id; *c != '\0'; c++)
        fuzz_assert(g_ascii_isgraph(*c) && *c != '/');
    end = g_strdup_printf("/unit/%s/%s", unit, id);
    fuzz_assert(size >= strlen(end) && memcmp(data + size - strlen(end), end, strlen(end)) == 0);
    fuzz_assert(memchr(data, '/', size) == data + size - strlen(end));
    return 0;
}
