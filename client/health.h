/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How urgent an integration is to a person: the one judgement behind check and remind. */
#pragma once

#include <glib.h>
#include <json-c/json.h>

#define HEALTH_DAY (24 * 3600 * (guint64)G_USEC_PER_SEC)

enum health {
    HEALTH_OK,
    HEALTH_WARNING,
    HEALTH_CRITICAL,
};

/* A key that a person rotates is judged by the time until it is due, against warn and crit; one that keyturn
 * rotates is at most a warning: past its time, held, or failing. *ret_why says in a few words what is wrong;
 * it is the caller's (g_free), and NULL with HEALTH_OK. */
enum health health_of(json_object *integration, guint64 now, guint64 warn, guint64 crit, char **ret_why);
