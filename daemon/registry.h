/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the ledger and the files say, in memory: a fetch and a property read nothing else. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "daemon/core/holder.h"
#include "daemon/core/integration.h"
#include "daemon/io/ledger.h"

struct entry {
    struct integration *definition;
    bool is_undefined;  /* known from the ledger alone: its file was gone when keyturnd started */
    bool has_file;      /* false: it vanished; the last good definition stays */
    char *file_trouble; /* what is wrong with its file, until that is mended; or NULL */
    char *unit_trouble; /* which unit did not take the last swap's key, and why; or NULL */
    char *troubled_unit;
    usec_t troubled_at;
    GPtrArray *keys;    /* struct ledger_key, none of them gone */
    GPtrArray *holders; /* struct holder */
    usec_t last_fetched_at;
    char *last_fetched_by;
    usec_t retry_at;              /* no rotation by age before that */
    usec_t reported_at;           /* the last rotation by ReportRejected */
    bool report_waits;            /* another report came meanwhile: ask again in a minute */
    usec_t asked_at;              /* HueChat was asked after a report; our time, in memory alone */
    char *attention;              /* what a person should look at, or NULL */
    bool secret_missing;          /* the keyring has no secret for the current key */
    bool hooks_ran;               /* the units took the last swap well */
    bool hooks_failed;            /* one of them did not */
    bool due_told;                /* RotationDue was sent for the current key */
    char *again;                  /* the rotation that asked for one more when it had ended, or NULL */
    usec_t probed_date;           /* HueChat's time of our own last probe with the current key; 0 */
    enum answer_class last_class; /* what HueChat's last answer to its rotation was */
    usec_t holders_full_at;       /* when a user last had too many */
    guint sweep_at;               /* how many holders are too many */
    char *holders_text;           /* what holders_older() said last */
};

struct registry;

struct registry *registry_new(void);
struct registry *registry_free(struct registry *registry);

/* Takes in what the ledger has, the management keys' entries included. 0 or -EIO. */
int registry_load(struct registry *registry, struct ledger *ledger);

/* NULL: no such integration. Management keys are found by management_name(). */
struct entry *registry_find(struct registry *registry, const char *name);

/* Takes the definition; an entry that is there keeps its state. */
struct entry *registry_put(struct registry *registry, struct integration *definition);
void registry_remove(struct registry *registry, const char *name);

/* How many integrations there are, and management keys. */
unsigned registry_size(const struct registry *registry);

/* Calls each for all integrations, or also for the management keys, sorted by name. */
void registry_each(struct registry *registry, bool management,
                   void (*each)(struct entry *entry, void *userdata), void *userdata);

/* Whether a key is the current one of anybody but `except`: by its number, by HueChat's id (NULL: not known),
 * or, for a current key whose own id is not known, by its last 4 (NULL: not asked). */
bool registry_is_current(struct registry *registry, const struct entry *except, enum environment environment,
                         uint64_t number, const char *id, const char *last4);

/* "@live", "@test": the names under which management keys are kept. */
const char *management_name(enum environment environment);
bool entry_is_management(const struct entry *entry);

/* The key that is handed out, or NULL. */
struct ledger_key *entry_current(const struct entry *entry);
struct ledger_key *entry_key(const struct entry *entry, uint64_t number);

/* Reads its keys anew after the ledger changed them. 0 or -EIO. */
int entry_reload_keys(struct entry *entry, struct ledger *ledger);

/* When the rotation of its current key starts; at once without a secret; USEC_INFINITY: never. */
usec_t entry_due_at(const struct entry *entry);

/* How the current key's permissions differ from what its file asks for, in words; NULL: not at all, or not
 * known. The caller frees it (g_free). */
char *entry_drift(const struct entry *entry);

/* Puts a word where people see it; NULL takes it away. True if it changed. */
bool entry_set_attention(struct entry *entry, const char *attention);

/* The row of this holder, or NULL. */
struct holder *entry_holder(const struct entry *entry, const struct holder *holder);
