/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line of keyturnd, and where its files are. */
#pragma once

#include <stdbool.h>

#include "daemon/daemon.h"

struct options {
    bool system_mode;
    struct paths paths;
};

/* 1: go on; 0: help or version was shown; -EINVAL: a usage error was told. */
int options_parse(int argc, char **argv, struct options *ret);
void options_clear(struct options *options);
