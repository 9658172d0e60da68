/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keyturn knows and did, in SQLite, without secrets. Every function that writes is one transaction,
 * synced. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "daemon/core/holder.h"
#include "daemon/core/rotation.h"

struct ledger;

enum ledger_condition {
    LEDGER_FOUND,    /* it was there and is sound */
    LEDGER_NEW,      /* there was none */
    LEDGER_REPLACED, /* a damaged one was set aside as ledger.db.damaged-TIME */
};

/* Numbers on disk: a new one goes to the end. */
enum key_state {
    KEY_NEW,      /* created, not swapped in */
    KEY_CURRENT,  /* the one that is handed out */
    KEY_RETIRING, /* was current; to be deleted at HueChat */
    KEY_GONE,     /* deleted, or dead */
};

struct ledger_key {
    uint64_t number;   /* ours, never used again */
    char *integration; /* name; "@test" or "@live" for a management key */
    enum environment environment;
    char *id;   /* HueChat's; NULL: not adopted yet */
    char *item; /* key-id attribute of its item in the keyring: the id, or "unknown-LAST4-NUMBER" */
    char *last4;
    char *name; /* exact name at HueChat if keyturn made it, else NULL */
    enum key_state state;
    uint64_t generation; /* since when it is current: 1, 2, ...; 0: never yet */
    usec_t created_at;   /* where its age counts from */
    usec_t last_used_at; /* HueChat's time, as last told; 0: never, or not told */
    char *permissions;   /* "full" or scopes joined by ';', as last told; NULL: not known */
};

/* One line of the history. Texts may be NULL. */
struct ledger_event {
    usec_t time;
    const char *integration; /* "" for the daemon as a whole */
    const char *event;       /* a word: "rotation", "fetched", "imported", "refused", ... */
    const char *rotation, *key_id, *last4, *message, *caller;
    const char *caller_unit; /* for the journal alone */
    uint64_t count;          /* how often it happened, where it was gathered; 0 is noted as 1 */
};

/* A fetch that was answered. */
struct ledger_fetch {
    const char *integration;
    const struct holder *holder; /* with generation, last_at and a count to add; first_at 0: last_at */
};

struct ledger_integration {
    char *name;
    enum environment environment; /* can't be changed later */
    usec_t last_fetched_at;
    char *last_fetched_by;
    usec_t retry_at;    /* after an aborted rotation: not before; 0 */
    usec_t reported_at; /* last rotation by ReportRejected; 0 */
};

/* Opens, checks integrity, migrates, takes the lock (one daemon per state directory: KT_BUSY). The folder has
 * to be there. Errors: KT_FAILED, with what to do; a ledger of a newer version is one and is left as it is.
 */
struct ledger *ledger_open(const char *path, enum ledger_condition *ret, GError **error);
struct ledger *ledger_free(struct ledger *ledger);

/* It was written on another machine (machine-id), and nobody has said yet which of the two goes on. */
bool ledger_is_foreign(const struct ledger *ledger);
int ledger_claim(struct ledger *ledger);

/* Readers. Lists own their elements (g_ptr_array with a free function); NULL, with errno set: the disk
 * failed, or a row makes no sense (EBADMSG). */
/* struct ledger_integration, those of "@test" and "@live" too. */
GPtrArray *ledger_load_integrations(struct ledger *ledger);
/* struct ledger_key, all but KEY_GONE; of all integrations, or of one. */
GPtrArray *ledger_load_keys(struct ledger *ledger);
GPtrArray *ledger_load_keys_of(struct ledger *ledger, const char *integration);
/* struct rotation, all that have not ended (ledger_end_rotation). */
GPtrArray *ledger_load_rotations(struct ledger *ledger);
/* struct holder */
GPtrArray *ledger_load_holders(struct ledger *ledger, const char *integration);
/* One key, in whichever state: 0, -ENOENT or another negative errno. */
int ledger_load_key(struct ledger *ledger, uint64_t number, struct ledger_key **ret);
/* Calls each for the newest, in the order of their times. At most 10000: 6000 of what happened to keys, 2000
 * fetches, 2000 refusals, so that none crowds out another. "" is all. Texts are valid during the call, which
 * may not use the ledger. 0 or negative errno. */
int ledger_read_history(struct ledger *ledger, const char *integration, usec_t since,
                        void (*each)(const struct ledger_event *event, void *userdata), void *userdata);
/* Whether HueChat's id was ever seen in that environment; 1, 0 or negative errno. */
int ledger_knows_id(struct ledger *ledger, enum environment environment, const char *id);

/* Writers: 0 or negative errno, and then nothing is changed: -ENOSPC, -EROFS, -EBUSY (another program is in
 * the file), -EBADMSG (damaged), -EIO; -ENOENT: no such integration, key or rotation. Only a commit whose
 * sync failed can come back, if this process ends before another one succeeds: the same as a crash right
 * after it. */

/* New row, or the same environment again; -EEXIST if it is there with another environment. A forgotten one
 * begins anew, but for its generations. */
int ledger_put_integration(struct ledger *ledger, const char *name, enum environment environment);
int ledger_set_retry(struct ledger *ledger, const char *name, usec_t retry_at);
int ledger_set_reported(struct ledger *ledger, const char *name, usec_t reported_at);
/* Its keys become KEY_GONE, its rotations end, its holders go; history stays. */
int ledger_forget_integration(struct ledger *ledger, const char *name, const struct ledger_event *event);

/* A key that was not made by a rotation (imported, adopted, management). key->number and, if NULL, key->item
 * are set; with state KEY_CURRENT the generation is the integration's next one, and a key that was current is
 * KEY_RETIRING. The rows of "@test" and "@live" make themselves. */
int ledger_add_key(struct ledger *ledger, struct ledger_key *key, const struct ledger_event *event);
/* id, item, created_at, last_used_at, permissions, state as they are in key now. -EEXIST: a second
 * KEY_CURRENT. */
int ledger_update_key(struct ledger *ledger, const struct ledger_key *key, const struct ledger_event *event);

/* The record as it is, with its change of keys, in one transaction (event may be NULL):
 *   CHANGE_NEW_KEY   a row KEY_NEW with new_id, new_last4, name rotation_key_name() (NULL for managed_by
 *                    dashboard), its age from created_at (our clock), or what a person said of it; sets
 * rotation->new_key. A KEY_NEW of an earlier attempt is KEY_GONE CHANGE_ADOPT     the old key's id is old_id;
 * its item stays what it is CHANGE_SWAP      new_key: KEY_CURRENT with the next generation; the key that was
 * current: KEY_RETIRING (KEY_GONE if old_dead). Done before: nothing CHANGE_OLD_GONE, CHANGE_NEW_GONE
 * KEY_GONE */
int ledger_commit_rotation(struct ledger *ledger, struct rotation *rotation, enum rotation_change change,
                           const struct ledger_event *event);
/* The record needs nothing more: it stays as history. */
int ledger_end_rotation(struct ledger *ledger, const char *rid);

/* Many in one transaction: holders' rows (first_at is kept, count grows, older generations of the same holder
 * go), the integrations' last fetch. Those of integrations that were forgotten are passed over. */
int ledger_note_fetches(struct ledger *ledger, const struct ledger_fetch *fetches, size_t n);
/* Rows, each of its holder and generation: of holders that are gone, or are done with that generation. */
int ledger_drop_holders(struct ledger *ledger, const char *integration, const struct holder *const *holders,
                        size_t n);
int ledger_note_event(struct ledger *ledger, const struct ledger_event *event);
/* Some, in one transaction; none is no transaction. */
int ledger_note_events(struct ledger *ledger, const struct ledger_event *const *events, size_t n);

/* The key-id attribute of a key's item: its id, or "unknown-LAST4-NUMBER". The caller frees it (g_free). */
char *ledger_key_item(const char *id, const char *last4, uint64_t number);
struct ledger_key *ledger_key_copy(const struct ledger_key *key);
struct ledger_key *ledger_key_free(struct ledger_key *key);
struct ledger_integration *ledger_integration_free(struct ledger_integration *integration);
