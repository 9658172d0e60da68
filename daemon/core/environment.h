/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat's two environments. Environment, prefix and base URL are one fact (its page "Key Types"). */
#pragma once

#include <stdbool.h>

enum environment {
    ENVIRONMENT_LIVE, /* real messages, sk_live_ */
    ENVIRONMENT_TEST, /* simulated messages, sk_test_ */
    ENVIRONMENT_COUNT,
};

const char *environment_name(enum environment environment);
const char *environment_prefix(enum environment environment);
const char *environment_base_url(enum environment environment);

/* Returns 0, or -EINVAL. */
int environment_parse(const char *name, enum environment *ret);

/* The environment whose prefix the key carries. Returns 0, or -EINVAL. */
int environment_of_key(const char *key, enum environment *ret);
