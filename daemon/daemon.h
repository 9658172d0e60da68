/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects of keyturnd, and where its news goes. manager makes and wires them; everything between manager
 * and io works on this. */
#pragma once

#include <stdbool.h>
#include <syslog.h>

#include <systemd/sd-event.h>

#include "daemon/core/config.h"
#include "daemon/io/keyring.h"
#include "daemon/io/ledger.h"
#include "daemon/io/provider.h"
#include "daemon/registry.h"
#include "daemon/rotator.h"
#include "daemon/vault.h"

struct paths {
    char *config;  /* keyturn.conf and integrations/ */
    char *state;   /* ledger.db */
    char *runtime; /* credentials.sock */
    char *helpers; /* keyturn-huechat, keyturn-secret-service */
};

/* What a bus shows of it. All functions are set. */
struct news {
    void (*added)(struct entry *entry, void *userdata);
    void (*removed)(const char *name, void *userdata);
    void (*changed)(struct entry *entry, void *userdata); /* some property, the last fetch aside */
    void (*fetched)(struct entry *entry, void *userdata); /* its last fetch */
    /* Tells it and runs the units' hooks; sets hooks_ran when they have ended. */
    void (*key_changed)(struct entry *entry, uint64_t generation, void *userdata);
    void (*rotation_due)(struct entry *entry, usec_t due_at, void *userdata);
    void (*attention)(const char *name, const char *reason, void *userdata);
    void (*keyring_changed)(void *userdata);
    void (*keyring_read)(void *userdata); /* what it has is known */
    void (*next_rotation_changed)(void *userdata);
};

struct daemon {
    sd_event *event;
    bool system_mode;
    struct paths paths;
    struct config *config;
    struct ledger *ledger;
    struct registry *registry;
    struct vault *vault;
    struct keyring *keyring;
    struct provider *providers[ENVIRONMENT_COUNT];
    struct listings *listings;
    struct rotator *rotator;
    struct accounting *accounting;
    struct refusals *refusals;
    struct schedule *schedule;
    struct waits *waits;
    bool secrets_read;               /* the keyring is open, and what it has is known */
    bool refused[ENVIRONMENT_COUNT]; /* HueChat refuses the management key: wait for login */
    const struct news *news;
    void *news_userdata;
};

/* The management key's secret, or NULL: not stored, or the keyring is locked. */
const struct secret *daemon_management(struct daemon *daemon, enum environment environment);

/* Why nothing can be managed in an environment, for people; NULL: it can. A keyring that is not open is no
 * such reason. The caller frees it (g_free). */
char *daemon_environment_trouble(struct daemon *daemon, enum environment environment);

/* What that says has changed: tells it of every integration there. */
void daemon_environment_changed(struct daemon *daemon, enum environment environment);

/* Sets or (NULL) takes away an integration's attention, on the bus and in the log. */
void daemon_attention(struct daemon *daemon, struct entry *entry, const char *reason);

/* The same of what is wrong with its file, which no rotation takes away. */
void daemon_file_trouble(struct daemon *daemon, struct entry *entry, const char *trouble);

/* The same of a unit that did not take a new key: NULL, NULL once it has, and at the next swap. */
void daemon_unit_trouble(struct daemon *daemon, struct entry *entry, const char *unit, const char *trouble);

/* A line of the history and of the log. */
void daemon_note(struct daemon *daemon, int priority, const struct ledger_event *event);

/* Some, in one transaction. */
void daemon_note_many(struct daemon *daemon, int priority, const struct ledger_event *const *events,
                      size_t n);

/* What to say where the keyring is not unlocked. */
const char *daemon_keyring_trouble(const struct daemon *daemon);

/* The item under which a key is kept in the keyring; its texts are the key's and the entry's. */
struct keyring_item daemon_item(const struct entry *entry, const struct ledger_key *key);
