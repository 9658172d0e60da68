/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the command line to a sandbox that serves, and to its end. */
#pragma once

#include "sandbox/options.h"

/* Serves until SIGTERM or SIGINT. Returns an exit status; what went wrong has been said on standard error. */
int run_sandbox(const struct options *options);
