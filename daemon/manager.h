/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes, wires and owns every object of keyturnd but the bus. */
#pragma once

#include "daemon/daemon.h"

struct manager;

/* Opens the ledger and makes all parts. The paths' texts are borrowed. Errors are of KT_ERROR, with what to
 * do. */
struct manager *manager_new(sd_event *event, bool system_mode, const struct paths *paths,
                            const struct news *news, GError **error);

/* What the bus is given. */
struct daemon *manager_daemon(struct manager *manager);

/* Takes in files and rotations; news need the bus by now. A file that is wrong has been logged and stops
 * nothing. */
bool manager_load(struct manager *manager, GError **error);

/* Everything is on the bus: rotations move. */
void manager_go(struct manager *manager);

/* Takes settings and definitions in anew (SIGHUP). What was wrong has been logged. */
void manager_reload(struct manager *manager);

/* Writes what is still gathered and ends the helpers, whose open calls are answered: while there is a bus. */
void manager_flush(struct manager *manager);
struct manager *manager_free(struct manager *manager);
