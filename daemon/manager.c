/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order in which things come and go; no logic. */
#include "daemon/manager.h"

#include <errno.h>

#include "daemon/accounting.h"
#include "daemon/core/errors.h"
#include "daemon/definitions.h"
#include "daemon/io/journal.h"
#include "daemon/listings.h"
#include "daemon/io/messages.h"
#include "daemon/operations/remove.h"
#include "daemon/refusals.h"
#include "daemon/rotation-world.h"
#include "daemon/schedule.h"
#include "daemon/secrets.h"
#include "daemon/util/files.h"
#include "daemon/waits.h"

struct manager {
    struct daemon daemon;
};

static bool fail(GError **error, int r, const char *what)
{
    g_set_error(error, KT_ERROR, KT_FAILED, "%s: %s", what, g_strerror(-r));
    return false;
}

static void keyring_changed(enum keyring_state state, void *userdata)
{
    struct daemon *daemon = userdata;
    bool ready = state == KEYRING_UNLOCKED;

    journal_send(ready ? LOG_INFO : LOG_WARNING, ready ? MESSAGE_KEYRING_READY : MESSAGE_KEYRING_AWAY,
                 (const char *[]){NULL}, "the keyring is %s", keyring_state_name(state));
    daemon->news->keyring_changed(daemon->news_userdata);
    if (state == KEYRING_UNLOCKED)
        secrets_load_all(daemon);
    else
        secrets_drop(daemon);
    if (state != KEYRING_UNLOCKED) /* else they wake when it has been read */
        rotator_wake(daemon->rotator);
    schedule_look_again(daemon);
}

static bool open_ledger(struct daemon *daemon, GError **error)
{
    g_autofree char *path = g_build_filename(daemon->paths.state, "ledger.db", NULL);
    enum ledger_condition condition;
    int r = folder_make(daemon->paths.state);

    if (r < 0)
        return fail(error, r, daemon->paths.state);
    daemon->ledger = ledger_open(path, &condition, error);
    if (daemon->ledger == NULL)
        return false;
    if (condition == LEDGER_REPLACED)
        daemon_note(daemon, LOG_ERR,
                    &(struct ledger_event){
                        .time = clock_now(),
                        .integration = "",
                        .event = "recovered",
                        .message = "the ledger was damaged and has been set aside: it is rebuilt from "
                                   "the keyring and HueChat's key list"});
    r = registry_load(daemon->registry, daemon->ledger);
    return r < 0 ? fail(error, r, "the ledger can't be read") : true;
}

static bool make_parts(struct daemon *daemon, GError **error)
{
    g_autofree char *keyring_helper = g_build_filename(daemon->paths.helpers, "keyturn-secret-service", NULL);
    g_autofree char *huechat_helper = g_build_filename(daemon->paths.helpers, "keyturn-huechat", NULL);

    daemon->config = config_new();
    daemon->vault = vault_new();
    daemon->listings = listings_new(daemon);
    daemon->waits = waits_new(daemon->event);
    daemon->accounting = accounting_new(daemon);
    daemon->refusals = refusals_new(daemon);
    daemon->schedule = schedule_new(daemon);
    daemon->rotator = rotator_new(rotation_world(), daemon);
    daemon->keyring = keyring_new(daemon->event, keyring_helper, keyring_changed, daemon);
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        daemon->providers[i] = provider_new(daemon->event, huechat_helper, &daemon->config->api[i]);
    if (daemon->waits == NULL || daemon->accounting == NULL || daemon->refusals == NULL ||
        daemon->schedule == NULL || daemon->keyring == NULL || daemon->providers[ENVIRONMENT_LIVE] == NULL ||
        daemon->providers[ENVIRONMENT_TEST] == NULL)
        return fail(error, -ENOMEM, "the event loop takes no more");
    return true;
}

struct interrupted {
    struct daemon *daemon;
    char *name;
};

static void removed(enum wait_outcome outcome, const char *reason, void *userdata)
{
    struct interrupted *removal = userdata;

    if (outcome == OUTCOME_DONE)
        remove_carry_on(removal->daemon, removal->name);
    g_free(removal->name);
    g_free(removal);
}

/* A removal that was interrupted goes on when its key is gone. */
static void wait_for_removal(struct daemon *daemon, const struct rotation *rotation)
{
    struct interrupted *removal = g_new0(struct interrupted, 1);

    removal->daemon = daemon;
    removal->name = g_strdup(rotation->integration);
    waits_add(daemon->waits, rotation->rid, WAIT_OVER, removed, removal);
}

/* The one more rotation that another asked for is under way already. */
static void forget_again(struct entry *entry, void *userdata)
{
    struct daemon *daemon = userdata;

    if (rotator_find(daemon->rotator, entry->definition->name) != NULL)
        g_clear_pointer(&entry->again, g_free);
}

static bool adopt_rotations(struct daemon *daemon, GError **error)
{
    g_autoptr(GPtrArray) rotations = ledger_load_rotations(daemon->ledger);

    if (rotations == NULL)
        return fail(error, -EIO, "the ledger can't be read");
    g_ptr_array_set_free_func(rotations, NULL);
    for (guint i = 0; i < rotations->len; i++) {
        struct rotation *rotation = rotations->pdata[i];
        struct entry *entry = registry_find(daemon->registry, rotation->integration);
        const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;

        if (rotation->again && rotation_is_over(rotation) && key != NULL &&
            (key->number == rotation->new_key || key->number == rotation->old_key))
            entry->again = g_strdup(rotation->rid);
        if (rotation->cause == CAUSE_REMOVE && entry != NULL)
            wait_for_removal(daemon, rotation);
        rotator_adopt(daemon->rotator, rotation);
    }
    registry_each(daemon->registry, true, forget_again, daemon);
    return true;
}

struct manager *manager_new(sd_event *event, bool system_mode, const struct paths *paths,
                            const struct news *news, GError **error)
{
    struct manager *manager = g_new0(struct manager, 1);

    manager->daemon = (struct daemon){
        .event = event,
        .system_mode = system_mode,
        .paths = *paths,
        .registry = registry_new(),
        .news = news,
    };
    if (open_ledger(&manager->daemon, error) && make_parts(&manager->daemon, error))
        return manager;
    return manager_free(manager);
}

struct daemon *manager_daemon(struct manager *manager)
{
    return &manager->daemon;
}

bool manager_load(struct manager *manager, GError **error)
{
    g_autoptr(GError) files = NULL;

    definitions_load(&manager->daemon, false, &files); /* logged; the rest goes on */
    return adopt_rotations(&manager->daemon, error);
}

void manager_go(struct manager *manager)
{
    rotator_wake(manager->daemon.rotator);
    schedule_look_again(&manager->daemon);
}

/* What is on disk is where they go on at the next start: the answers that follow, since every open call is
 * ended, are not for them. */
static void let_rotations_stand(struct daemon *daemon)
{
    rotator_free(daemon->rotator);
    daemon->rotator = rotator_new(rotation_world(), daemon);
}

void manager_flush(struct manager *manager)
{
    let_rotations_stand(&manager->daemon);
    manager->daemon.accounting = accounting_free(manager->daemon.accounting);
    manager->daemon.keyring = keyring_free(manager->daemon.keyring);
    listings_close(manager->daemon.listings);
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        manager->daemon.providers[i] = provider_free(manager->daemon.providers[i]);
    manager->daemon.listings = listings_free(manager->daemon.listings);
}

struct manager *manager_free(struct manager *manager)
{
    struct daemon *daemon = &manager->daemon;

    rotator_free(daemon->rotator);
    schedule_free(daemon->schedule);
    waits_free(daemon->waits);
    vault_free(daemon->vault);
    registry_free(daemon->registry);
    config_free(daemon->config);
    refusals_free(daemon->refusals); /* the bus may refuse until it is gone */
    ledger_free(daemon->ledger);
    g_free(manager);
    return NULL;
}

void manager_reload(struct manager *manager)
{
    g_autoptr(GError) error = NULL;

    if (definitions_load(&manager->daemon, true, &error))
        journal_send(LOG_INFO, NULL, (const char *[]){NULL}, "settings and integrations were taken in anew");
    schedule_look_again(&manager->daemon);
}
