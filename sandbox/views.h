/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key as JSON: as HueChat shows it, and as the ledger keeps it. Never with its secret. */
#pragma once

#include "sandbox/json.h"
#include "sandbox/keys.h"

/* The documented Key. The caller puts it. */
json_object *view_key(const struct key *key);

/* What the ledger file keeps of a key, and back: NULL if record isn't one. */
json_object *view_record(const struct key *key);
struct key *view_read_record(json_object *record);

/* What GET /sandbox/ledger shows of a key; now is our time. */
json_object *view_history(const struct key *key, usec_t now);
