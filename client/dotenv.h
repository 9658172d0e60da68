/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key in a .env file. */
#pragma once

#include "client/secret.h"

/* Finds, in a .env file's text, the value of `variable`; if that is NULL, of HUECHAT_API_KEY; if there is
 * none, the only value that looks like a HueChat key. Where several do, error names their variables. NULL
 * with error set. */
struct secret *dotenv_find(const char *text, size_t length, const char *variable, GError **error);

/* The same in a file of 1 MiB at most. */
struct secret *dotenv_read(const char *path, const char *variable, GError **error);
