/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HueChat that is played: all that it remembers, and its two deeds. One thread touches it, the event
 * loop's. */
#pragma once

#include <systemd/sd-event.h>

#include "sandbox/data.h"
#include "sandbox/fault.h"
#include "sandbox/keys.h"
#include "sandbox/ledger.h"
#include "sandbox/order.h"
#include "sandbox/rate.h"
#include "sandbox/replay.h"

struct late;

struct sandbox {
    sd_event *event;
    struct keys *keys;
    struct replay *replay;
    struct ledger *ledger;
    struct data *data;
    struct late *late; /* what is committed later */
    GArray *faults;    /* struct fault */
    struct rate rate;
    gint64 clock_offset;         /* microseconds that HueChat's clock is off ours */
    usec_t last_used_resolution; /* of last_used_at */
    bool quiet;                  /* no line a request */
};

/* Opens the ledger (NULL: none) and remembers. Returns NULL with a message in *ret_error (g_free). */
struct sandbox *sandbox_new(sd_event *event, const char *ledger_path, char **ret_error);
struct sandbox *sandbox_free(struct sandbox *sandbox);

/* HueChat's clock. */
usec_t sandbox_now(const struct sandbox *sandbox);

/* Makes a key as ordered and notes it; the caller may fill in what belongs to its request before, in *like
 * (its origin, idempotency_key and body_hash are copied). prefix is that of the secret, which goes to
 * *ret_secret (g_free). The key stays the store's. */
struct key *sandbox_create(struct sandbox *sandbox, const struct order *order, const struct key *like,
                           const char *prefix, usec_t created_at, char **ret_secret);

/* Makes a key of a secret that is known already. */
struct key *sandbox_adopt(struct sandbox *sandbox, const struct order *order, const struct key *like,
                          const char *secret, usec_t created_at);

/* Deletes a living key and notes it. */
void sandbox_delete(struct sandbox *sandbox, struct key *key);

/* For what the ledger answers: a sandbox that can't remember says so and ends the loop. */
void sandbox_check(struct sandbox *sandbox, int r);
