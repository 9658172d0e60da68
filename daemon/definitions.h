/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The settings' and the integrations' files: takes them in. */
#pragma once

#include "daemon/daemon.h"

/* Reads keyturn.conf and integrations/NAME.conf, of both folders in system mode: root's file wins, and only
 * root's sets units; those in one of keyturnd's own are attention. What can't be taken leaves the last good
 * definition, is logged, shows as attention, and is the error (the first, and how many more): KT_INVALID with
 * file and line, or KT_FAILED. A file that vanished is attention. tell: news go out for what is new or
 * changed. */
bool definitions_load(struct daemon *daemon, bool tell, GError **error);

/* Takes in root's file of that name alone; news go out. False with an error, as above. */
bool definitions_load_roots(struct daemon *daemon, const char *name, GError **error);
