/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Secrets first, then file, then rows: a crash between leaves an integration that can be removed again. */
#include "daemon/operations/remove.h"

#include <errno.h>

#include "daemon/accounting.h"
#include "daemon/folders.h"
#include "daemon/rotate.h"
#include "daemon/schedule.h"
#include "daemon/waits.h"

struct removal {
    struct daemon *daemon;
    char *name;
    operation_fn done;
    void *userdata;
};

static void removal_free(struct removal *removal)
{
    g_free(removal->name);
    g_free(removal);
}

static void finish(struct removal *removal)
{
    struct daemon *daemon = removal->daemon;
    struct ledger_event event = {.time = clock_now(),
                                 .integration = removal->name,
                                 .event = "removed",
                                 .message = "the integration was removed"};
    int r;

    accounting_forget(daemon->accounting, removal->name);
    r = folders_delete(daemon, removal->name);
    if (r == 0)
        r = ledger_forget_integration(daemon->ledger, removal->name, &event);
    if (r < 0) {
        operation_refuse(removal->done, removal->userdata, KT_FAILED,
                         "%s can't be forgotten: %s: see %s and %s", removal->name, g_strerror(-r),
                         daemon->paths.config, daemon->paths.state);
        removal_free(removal);
        return;
    }
    rotator_forget(daemon->rotator, removal->name);
    registry_remove(daemon->registry, removal->name);
    daemon->news->removed(removal->name, daemon->news_userdata);
    schedule_look_again(daemon);
    removal->done(NULL, NULL, removal->userdata);
    removal_free(removal);
}

static void erase_next(struct removal *removal);

static void erased(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct removal *removal = userdata;
    struct entry *entry = registry_find(removal->daemon->registry, removal->name);

    if (result < 0) {
        operation_refuse(removal->done, removal->userdata, result == -EAGAIN ? KT_KEYRING_LOCKED : KT_FAILED,
                         "the keyring does not forget a key of %s: %s: unlock it, then remove again",
                         removal->name, message != NULL ? message : g_strerror(-result));
        removal_free(removal);
        return;
    }
    if (entry != NULL && entry->keys->len > 0) {
        const struct ledger_key *key = entry->keys->pdata[0];

        vault_remove(removal->daemon->vault, key->number);
        g_ptr_array_remove_index(entry->keys, 0);
    }
    erase_next(removal);
}

static void erase_next(struct removal *removal)
{
    struct entry *entry = registry_find(removal->daemon->registry, removal->name);
    struct keyring_item item;

    if (entry == NULL || entry->keys->len == 0) {
        finish(removal);
        return;
    }
    item = daemon_item(entry, entry->keys->pdata[0]);
    keyring_erase(removal->daemon->keyring, &item, erased, removal);
}

static void revoked(enum wait_outcome outcome, const char *reason, void *userdata)
{
    struct removal *removal = userdata;

    if (outcome == OUTCOME_DONE) {
        erase_next(removal);
        return;
    }
    operation_refuse(removal->done, removal->userdata, KT_HELD,
                     "the key could not be deleted: %s: see keyturn status %s",
                     reason != NULL ? reason : "its deletion has ended", removal->name);
    removal_free(removal);
}

static bool check(struct daemon *daemon, const char *name, GError **error)
{
    const struct entry *entry = operation_find(daemon, name, error);
    const struct rotation *rotation = rotator_find(daemon->rotator, name);

    if (entry == NULL)
        return false;
    if (folders_has_roots(daemon, name)) {
        g_set_error(error, KT_ERROR, KT_DENIED,
                    "the file of %s is root's: as root, keyturn --system remove %s deletes it too", name,
                    name);
        return false;
    }
    if (rotation != NULL) {
        g_set_error(error, KT_ERROR, KT_BUSY,
                    "a rotation of %s is under way (%s): wait for its end (see keyturn status %s)%s%s", name,
                    rotation_state_name((enum rotation_state)rotation->state), name,
                    rotation_can_roll_back(rotation) ? ", or keyturn rollback " : "",
                    rotation_can_roll_back(rotation) ? name : "");
        return false;
    }
    return entry->keys->len == 0 || operation_check_keyring(daemon, error);
}

void remove_integration(struct daemon *daemon, const char *name, bool revoke, operation_fn done,
                        void *userdata)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rid = NULL;
    struct removal *removal;
    struct entry *entry;

    if (!check(daemon, name, &error)) {
        done(error, NULL, userdata);
        return;
    }
    entry = registry_find(daemon->registry, name);
    if (revoke && entry_current(entry) != NULL) {
        if (entry->definition->managed_by == MANAGED_BY_API &&
            operation_management(daemon, entry->definition->environment, &error) == NULL) {
            done(error, NULL, userdata);
            return;
        }
        rid = rotate_begin(daemon, entry, CAUSE_REMOVE, &error);
        if (rid == NULL) {
            done(error, NULL, userdata);
            return;
        }
    }
    removal = g_new0(struct removal, 1);
    *removal = (struct removal){daemon, g_strdup(name), done, userdata};
    if (rid != NULL)
        waits_add(daemon->waits, rid, WAIT_OVER, revoked, removal);
    else
        erase_next(removal);
}

static void carried_on(const GError *error, const char *text, void *userdata)
{
    struct daemon *daemon = userdata;

    if (error != NULL)
        daemon_note(
            daemon, LOG_WARNING,
            &(struct ledger_event){
                .time = clock_now(), .integration = "", .event = "failed", .message = error->message});
}

void remove_carry_on(struct daemon *daemon, const char *name)
{
    struct removal *removal = g_new0(struct removal, 1);

    *removal = (struct removal){daemon, g_strdup(name), carried_on, daemon};
    erase_next(removal);
}
