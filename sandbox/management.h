/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two keys that a new account starts with, and the file that tells them. */
#pragma once

#include "sandbox/sandbox.h"

/* Reads "live sk_live_…" and "test sk_test_…" from the file, each on a line, and makes the account know them.
 * What is not there is made, and the file written anew (0600). Returns NULL, or a message (g_free). */
char *management_start(struct sandbox *sandbox, const char *path);
