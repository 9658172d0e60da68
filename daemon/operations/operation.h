/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person asks for in several steps: each operation answers exactly once. */
#pragma once

#include "daemon/core/errors.h"
#include "daemon/daemon.h"

/* error NULL: done; text: what the operation is documented to tell, else NULL. Both are valid during the
 * call. */
typedef void (*operation_fn)(const GError *error, const char *text, void *userdata);

/* Answers with an error that is made here. */
void operation_refuse(operation_fn done, void *userdata, int code, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* KT_KEYRING_LOCKED or KT_KEYRING_ABSENT if the keyring can't be used now, KT_BUSY if that isn't known yet.
 */
bool operation_check_keyring(struct daemon *daemon, GError **error);

/* KT_BUSY while it is not known yet whether the keyring has the environment's management key. */
bool operation_check_read(struct daemon *daemon, enum environment environment, GError **error);

/* The integration, or KT_NO_SUCH_INTEGRATION. */
struct entry *operation_find(struct daemon *daemon, const char *name, GError **error);

/* The environment's management key, or KT_NO_MANAGEMENT_KEY, KT_REFUSED (by HueChat: nothing goes on until a
 * login), KT_KEYRING_LOCKED, ... */
const struct secret *operation_management(struct daemon *daemon, enum environment environment,
                                          GError **error);

/* Which error an answer is that did not bring what it should: KT_UNREACHABLE, KT_REFUSED or KT_BUSY. what:
 * "HueChat's key list". */
GError *operation_answer_error(const struct answer *answer, const char *what);
