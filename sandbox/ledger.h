/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sandbox's memory: every key and every request that ever came, as lines of JSON in a file that only
 * grows. No secret is in it, only its SHA-256. */
#pragma once

#include "sandbox/json.h"
#include "sandbox/keys.h"
#include "sandbox/replay.h"

struct ledger;

/* Opens the file, or makes it, and keeps others out; path NULL: memory alone. What it tells of keys goes into
 * keys and replay, and HueChat's clock (microseconds off ours) into *clock_offset. A last line that was cut
 * short by a crash is dropped. Returns NULL with a message in *ret_error (the caller frees it). */
struct ledger *ledger_open(const char *path, struct keys *keys, struct replay *replay, gint64 *clock_offset,
                           char **ret_error);
struct ledger *ledger_free(struct ledger *ledger);

/* Each returns 0 or negative errno; then the ledger is short of that line. ledger_request takes the request.
 */
int ledger_created(struct ledger *ledger, const struct key *key);
int ledger_deleted(struct ledger *ledger, const struct key *key);
int ledger_clock(struct ledger *ledger, gint64 clock_offset);
int ledger_request(struct ledger *ledger, json_object *request);

/* Requests that came, oldest first. The caller puts it. */
json_object *ledger_requests(struct ledger *ledger);
