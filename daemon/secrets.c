/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A key that the keyring does not have is due at once: it can't be handed out any more. */
#include "daemon/secrets.h"

#include <errno.h>
#include <string.h>

#include "daemon/core/errors.h"
#include "daemon/io/journal.h"
#include "daemon/recovery.h"
#include "daemon/schedule.h"

struct batch {
    struct daemon *daemon;
    struct recovery *recovery;
};

static struct entry *entry_of(struct daemon *daemon, const struct keyring_item *item)
{
    return registry_find(daemon->registry,
                         item->integration != NULL ? item->integration : management_name(item->environment));
}

/* What stands in the keyring is its word alone: another's key would be handed out, or sent to the other
 * environment. */
static bool is_key(const struct secret *secret, const struct ledger_key *key)
{
    if (secret_fits(secret, key->environment, key->last4))
        return true;
    journal_send(LOG_WARNING, NULL,
                 (const char *[]){"KEYTURN_INTEGRATION", key->integration, "KEYTURN_LAST4", key->last4, NULL},
                 "%s: what the keyring has for its key …%s is another one: not taken", key->integration,
                 key->last4);
    return false;
}

static void take(const struct keyring_item *item, const struct secret *secret, void *userdata)
{
    struct batch *batch = userdata;
    struct entry *entry = entry_of(batch->daemon, item);

    if (secret == NULL) {
        journal_send(LOG_WARNING, NULL, (const char *[]){NULL}, "the keyring's item for %s holds no key",
                     item->integration != NULL ? item->integration : "a management key");
        return;
    }
    for (guint i = 0; entry != NULL && i < entry->keys->len; i++) {
        const struct ledger_key *key = entry->keys->pdata[i];
        struct keyring_item known = daemon_item(entry, key);

        if (known.environment != item->environment || g_strcmp0(known.key_id, item->key_id) != 0)
            continue;
        if (key->state == KEY_CURRENT && is_key(secret, key))
            vault_put(batch->daemon->vault, key->number, secret);
        return;
    }
    recovery_note(batch->recovery, item, secret);
}

static void tell_missing(struct daemon *daemon, struct entry *entry)
{
    enum environment environment = entry->definition->environment;
    g_autofree char *trouble = NULL;

    if (!entry_is_management(entry)) {
        daemon->news->changed(entry, daemon->news_userdata);
        return;
    }
    trouble = daemon_environment_trouble(daemon, environment);
    daemon_attention(daemon, entry, trouble);
    daemon_environment_changed(daemon, environment);
}

static void mark_missing(struct entry *entry, void *userdata)
{
    struct daemon *daemon = userdata;
    const struct ledger_key *key = entry_current(entry);
    bool missing = key != NULL && vault_get(daemon->vault, key->number) == NULL;

    if (missing == entry->secret_missing)
        return;
    entry->secret_missing = missing;
    if (missing)
        journal_send(LOG_WARNING, NULL,
                     (const char *[]){"KEYTURN_INTEGRATION", entry->definition->name, "KEYTURN_LAST4",
                                      key->last4, NULL},
                     "%s: the keyring has lost the key …%s", entry->definition->name, key->last4);
    tell_missing(daemon, entry);
}

static int load_again(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct daemon *daemon = userdata;

    if (keyring_get_state(daemon->keyring) == KEYRING_UNLOCKED)
        secrets_load_all(daemon);
    return 0;
}

static void all_taken(int result, const struct secret *secret, const char *message, void *userdata)
{
    g_autofree struct batch *batch = userdata;
    struct daemon *daemon = batch->daemon;

    if (result < 0) {
        recovery_free(batch->recovery);
        if (result == -EAGAIN)
            return; /* the state's next change brings us back */
        journal_send(LOG_WARNING, NULL, (const char *[]){NULL},
                     "the keyring can't be read, trying again in 10 s: %s", message);
        sd_event_add_time_relative(daemon->event, NULL, CLOCK_MONOTONIC, 10 * USEC_PER_SEC, 0, load_again,
                                   daemon);
        return;
    }
    daemon->secrets_read = true;
    recovery_finish(batch->recovery); /* takes it */
    registry_each(daemon->registry, true, mark_missing, daemon);
    daemon->news->keyring_read(daemon->news_userdata);
    rotator_wake(daemon->rotator);
    schedule_look_again(daemon);
}

void secrets_load_all(struct daemon *daemon)
{
    struct batch *batch = g_new0(struct batch, 1);

    *batch = (struct batch){.daemon = daemon, .recovery = recovery_new(daemon)};
    keyring_load_all(daemon->keyring, take, all_taken, batch);
}

void secrets_drop(struct daemon *daemon)
{
    daemon->secrets_read = false;
    vault_drop(daemon->vault);
}

struct request {
    struct daemon *daemon;
    char *integration;
    uint64_t key;
    secrets_fn fn;
    void *userdata;
};

static void refuse(struct request *request, int code, const char *text)
{
    g_autoptr(GError) error = g_error_new_literal(KT_ERROR, code, text);

    request->fn(NULL, error, request->userdata);
}

static void refuse_by_result(struct request *request, int result)
{
    struct daemon *daemon = request->daemon;

    if (result == -ENOKEY)
        refuse(request, KT_NO_KEY, "the keyring has lost the key: keyturn rotate makes a new one");
    else if (result == -EAGAIN && keyring_get_state(daemon->keyring) == KEYRING_ABSENT)
        refuse(request, KT_KEYRING_ABSENT, daemon_keyring_trouble(daemon));
    else if (result == -EAGAIN)
        refuse(request, KT_KEYRING_LOCKED, daemon_keyring_trouble(daemon));
    else
        refuse(request, KT_FAILED, "the keyring can't be read: see the log of keyturnd");
}

static void one_taken(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct request *request = userdata;
    struct entry *entry = registry_find(request->daemon->registry, request->integration);
    const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;

    if (result < 0) {
        refuse_by_result(request, result);
    } else if (key == NULL || key->number != request->key) {
        refuse(request, KT_NO_KEY, "the key has just been replaced: ask again");
    } else if (!is_key(secret, key)) {
        refuse_by_result(request, -ENOKEY);
    } else {
        vault_put(request->daemon->vault, request->key, secret);
        request->fn(secret, NULL, request->userdata);
    }
    g_free(request->integration);
    g_free(request);
}

static bool is_being_deleted(struct daemon *daemon, struct entry *entry)
{
    const struct rotation *rotation = rotator_find(daemon->rotator, entry->definition->name);

    return rotation != NULL && (rotation->cause == CAUSE_REVOKE || rotation->cause == CAUSE_REMOVE);
}

void secrets_get(struct daemon *daemon, struct entry *entry, secrets_fn fn, void *userdata)
{
    const struct ledger_key *key = entry_current(entry);
    struct request now = {.daemon = daemon, .fn = fn, .userdata = userdata}, *later;
    const struct secret *secret;
    struct keyring_item item;

    if (entry->is_undefined) {
        refuse(&now, KT_DENIED,
               "its file is gone, so nobody is known to be allowed: put it back, then keyturn reload");
        return;
    }
    if (key == NULL || is_being_deleted(daemon, entry)) {
        g_autofree char *text =
            g_strdup_printf("%s has no key: make one with keyturn rotate %s, or keyturn import %s",
                            entry->definition->name, entry->definition->name, entry->definition->name);
        refuse(&now, KT_NO_KEY, text);
        return;
    }
    secret = vault_get(daemon->vault, key->number);
    if (secret != NULL) {
        fn(secret, NULL, userdata);
        return;
    }
    /* Who started us by this very call comes before the bus has told the state: loading it tells as well. */
    if (keyring_knows_state(daemon->keyring) && keyring_get_state(daemon->keyring) != KEYRING_UNLOCKED) {
        refuse_by_result(&now, -EAGAIN);
        return;
    }
    later = g_memdup2(&now, sizeof now);
    later->integration = g_strdup(entry->definition->name);
    later->key = key->number;
    item = daemon_item(entry, key);
    keyring_load(daemon->keyring, &item, one_taken, later);
}
