/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When and by whom each key was last fetched. */
#pragma once

#include "client/client.h"
#include "client/dict.h"

/* Sets LastFetchedAt and LastFetchedBy of every integration in the array of bus_get_integrations(), or of
 * one; in system mode both become null where the caller may not manage. Returns 0, or -1 with error set. */
int fetches_fill_all(struct client *client, json_object *integrations, GError **error);
int fetches_fill(struct client *client, json_object *integration, GError **error);
