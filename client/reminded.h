/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What people have been reminded of: the file `reminded` in the state directory. */
#pragma once

#include <stdbool.h>

#include <glib.h>

struct reminded;

/* Reads it; a missing one is empty. Returns 0, or -1 with error set. */
int reminded_load(bool system, struct reminded **ret_reminded, GError **error);
struct reminded *reminded_free(struct reminded *reminded);

/* Notes that somebody is told now. False: that was told already. */
bool reminded_add(struct reminded *reminded, const char *name, guint64 due, const char *occasion);

/* Writes down what was added since reminded_load(), told before or not; the rest is over. Returns 0, or -1
 * with error set. */
int reminded_save(struct reminded *reminded, GError **error);

static inline void reminded_free_p(struct reminded **reminded)
{
    *reminded = reminded_free(*reminded);
}

#define _cleanup_reminded_ __attribute__((cleanup(reminded_free_p)))
