/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an integration's properties (a json object of bus.h) read to a person. Texts that are not const are the
 * caller's (g_free). */
#pragma once

#include <stdbool.h>

#include <json-c/json.h>

#include "client/output.h"

/* Whether its time to rotate has come. */
bool integration_is_due(json_object *integration, guint64 now);

/* Whether a person has to do something: held, awaiting, or attention. */
bool integration_needs_person(json_object *integration);

/* "██░░░░ 23d of 90d", towards RotateAfter; "-" without a key. */
char *integration_age(json_object *integration, unsigned width, guint64 now);
enum colour integration_age_colour(json_object *integration, guint64 now);

/* One word: "ok", "due", or where a rotation stands. */
const char *integration_state(json_object *integration, guint64 now);
enum colour integration_state_colour(json_object *integration);

/* What a rotation in this state is doing, in a few words. */
const char *integration_state_meaning(const char *state);

/* "full access", or the scopes. */
char *integration_permissions(json_object *integration);
