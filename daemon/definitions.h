/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings' and the integrations' files: takes them in, writes and deletes them. */
#pragma once

#include "daemon/daemon.h"

/* Reads keyturn.conf and integrations/NAME.conf. What can't be taken leaves the last good definition, is
 * logged, shows as attention, and is the error (the first, and how many more): KT_INVALID with file and line,
 * or KT_FAILED. A file that vanished is attention. tell: news go out for what is new or changed. */
bool definitions_load(struct daemon *daemon, bool tell, GError **error);

/* Writes an integration's file. 0 or negative errno; then nothing is changed. */
int definitions_write(struct daemon *daemon, const struct integration *definition);
int definitions_delete(struct daemon *daemon, const char *name);
