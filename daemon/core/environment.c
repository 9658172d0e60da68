/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of what HueChat publishes on its environments. */
#include "daemon/core/environment.h"

#include <errno.h>
#include <string.h>

static const struct {
    const char *name;
    const char *prefix;
    const char *base_url;
} environments[ENVIRONMENT_COUNT] = {
    [ENVIRONMENT_LIVE] = {"live", "sk_live_", "https://api.huechat.ai/v2"},
    [ENVIRONMENT_TEST] = {"test", "sk_test_", "https://sandbox.huechat.ai/v2"},
};

const char *environment_name(enum environment environment)
{
    return environments[environment].name;
}

const char *environment_prefix(enum environment environment)
{
    return environments[environment].prefix;
}

const char *environment_base_url(enum environment environment)
{
    return environments[environment].base_url;
}

int environment_parse(const char *name, enum environment *ret)
{
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        if (strcmp(environments[i].name, name) == 0) {
            *ret = (enum environment)i;
            return 0;
        }
    return -EINVAL;
}

int environment_of_key(const char *key, enum environment *ret)
{
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        if (strncmp(key, environments[i].prefix, strlen(environments[i].prefix)) == 0) {
            *ret = (enum environment)i;
            return 0;
        }
    return -EINVAL;
}
