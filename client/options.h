/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options of the command line; the global ones stand before the verb or after it. */
#pragma once

#include "client/client.h"

/* Takes the global options that stand before the verb out of argv. Returns 1 and leaves argv[1] the verb (or
 * none), 0 if all is said already (--help, --version), -1 with error set. */
int options_parse_global(struct client *client, int *argc, char ***argv, const struct verb *verbs,
                         GError **error);

/* Takes a verb's options (entries may be NULL) and the global ones out of argv; client->argv are the
 * operands, of which there must be min to max. Returns 1; or 0 if help was asked for and given, which ends
 * the verb in 0; or -1 with error set. */
int options_parse(struct client *client, int argc, char **argv, const GOptionEntry *entries, int min, int max,
                  GError **error);
