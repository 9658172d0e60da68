/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owns the parts, and keeps store and ledger in step. */
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/late.h"
#include "sandbox/text.h"

#define SECRET_LENGTH 32
#define LAST 4

struct sandbox *sandbox_new(sd_event *event, const char *ledger_path, char **ret_error)
{
    struct sandbox *sandbox = g_new0(struct sandbox, 1);

    sandbox->event = sd_event_ref(event);
    sandbox->keys = keys_new();
    sandbox->replay = replay_new();
    sandbox->data = data_new(clock_now());
    sandbox->late = late_new(event);
    sandbox->faults = g_array_new(FALSE, FALSE, sizeof(struct fault));
    sandbox->ledger =
        ledger_open(ledger_path, sandbox->keys, sandbox->replay, &sandbox->clock_offset, ret_error);
    return sandbox->ledger != NULL ? sandbox : sandbox_free(sandbox);
}

struct sandbox *sandbox_free(struct sandbox *sandbox)
{
    if (sandbox == NULL)
        return NULL;
    late_free(sandbox->late);
    ledger_free(sandbox->ledger);
    data_free(sandbox->data);
    replay_free(sandbox->replay);
    keys_free(sandbox->keys);
    g_array_unref(sandbox->faults);
    sd_event_unref(sandbox->event);
    g_free(sandbox);
    return NULL;
}

usec_t sandbox_now(const struct sandbox *sandbox)
{
    return (usec_t)((gint64)clock_now() + sandbox->clock_offset);
}

struct key *sandbox_adopt(struct sandbox *sandbox, const struct order *order, const struct key *like,
                          const char *secret, usec_t created_at)
{
    struct key *key = key_new();

    key->name = g_strdup(order->name);
    key->type = order->type;
    key->full = order->full;
    key->permissions = g_strdupv(order->permissions);
    key->last4 = g_strdup(secret + strlen(secret) - LAST);
    key->hash = text_hash(secret);
    key->origin = g_strdup(like->origin);
    key->idempotency_key = g_strdup(like->idempotency_key);
    key->body_hash = g_strdup(like->body_hash);
    key->created_at = created_at;
    keys_add(sandbox->keys, key);
    sandbox_check(sandbox, ledger_created(sandbox->ledger, key));
    return key;
}

struct key *sandbox_create(struct sandbox *sandbox, const struct order *order, const struct key *like,
                           const char *prefix, usec_t created_at, char **ret_secret)
{
    *ret_secret = text_random(prefix, TEXT_BASE62, SECRET_LENGTH);
    return sandbox_adopt(sandbox, order, like, *ret_secret, created_at);
}

void sandbox_delete(struct sandbox *sandbox, struct key *key)
{
    key->deleted_at = sandbox_now(sandbox);
    sandbox_check(sandbox, ledger_deleted(sandbox->ledger, key));
}

void sandbox_check(struct sandbox *sandbox, int r)
{
    if (r >= 0)
        return;
    fprintf(stderr, "keyturn-sandbox: can't write the ledger: %s\n", g_strerror(-r));
    sd_event_exit(sandbox->event, EXIT_FAILURE);
}
