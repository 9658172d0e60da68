/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where integrations' files lie. In user mode all are in one folder, beside the settings. In system mode that
 * one is root's, keyturnd only reads it, and it wins; what keyturnd writes is in a second one, beside the
 * ledger. */
#pragma once

#include "daemon/daemon.h"

enum folder {
    FOLDER_SETTINGS, /* root's in system mode */
    FOLDER_STATE,    /* in system mode alone */
};

/* Paths of a folder, and of an integration's file in it. The caller frees them (g_free). */
char *folders_path(const struct daemon *daemon, enum folder folder);
char *folders_file(const struct daemon *daemon, enum folder folder, const char *name);

/* Whether root has a file for it, whatever is in it. Never in user mode. */
bool folders_has_roots(const struct daemon *daemon, const char *name);

/* Writes and deletes keyturnd's own file for it. 0 or negative errno; then nothing is changed. */
int folders_write(struct daemon *daemon, const struct integration *definition);
int folders_delete(struct daemon *daemon, const char *name);

/* Root's file holds from now on: keyturnd's own is renamed, so that it does not come back when root's goes.
 * Told in the log. */
void folders_set_aside(struct daemon *daemon, const char *name);

/* Takes the units out of a definition that was read from FOLDER_STATE. Returns those, and those that its file
 * named before an upgrade moved it there, for people; NULL: there are none. The caller frees it (g_free). */
char *folders_drop_units(struct daemon *daemon, struct integration *definition);
