/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which addresses a key may be sent to. */
#pragma once

#include <stdbool.h>

#include <glib.h>

/* https, or http to a loopback address; no user, no query, no slash at the end. KT_INVALID. */
bool url_check_base(const char *url, GError **error);

/* What follows the base: begins with a slash. KT_INVALID. */
bool url_check_path(const char *path, bool may_have_query, GError **error);

/* http, https or socks, without user and password: they would be secrets in a file. KT_INVALID. */
bool url_check_proxy(const char *url, GError **error);

/* Whether two URLs name the same host; false if one is none. */
bool url_same_host(const char *a, const char *b);
