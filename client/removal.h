/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking an integration away together with root's file for it. */
#pragma once

#include "client/client.h"
#include "client/definitions.h"

/* The file is set aside, keyturnd forgets the integration, the file is deleted; or put back, where keyturnd
 * refuses. Wherever that is cut off, nothing comes back by itself and nothing is lost: an integration without
 * its file calls for attention, another remove goes on, and the file is beside its place. Returns 0, or -1
 * with error set. */
int removal_run(struct client *client, const struct definitions *definitions, const char *name, bool revoke,
                GError **error);
