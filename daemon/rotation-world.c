/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One function a line of rotator's table. */
#include "daemon/rotation-world.h"

#include <string.h>

#include "daemon/holders.h"
#include "daemon/io/journal.h"
#include "daemon/io/messages.h"
#include "daemon/performer.h"
#include "daemon/schedule.h"
#include "daemon/waits.h"

static usec_t world_now(void *userdata)
{
    return clock_now();
}

static void world_read_facts(const struct rotation *rotation, struct rotation_facts *ret, void *userdata)
{
    struct daemon *daemon = userdata;
    enum environment environment = (enum environment)rotation->environment;
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    bool by_will = rotation->cause == CAUSE_REVOKE || rotation->cause == CAUSE_REMOVE;
    const struct ledger_key *old;

    *ret = (struct rotation_facts){
        .now = clock_now(),
        .keyring_ready = daemon->secrets_read && keyring_get_state(daemon->keyring) == KEYRING_UNLOCKED,
        .settling = !daemon->secrets_read && (!keyring_knows_state(daemon->keyring) ||
                                              keyring_get_state(daemon->keyring) == KEYRING_UNLOCKED),
        .paused = daemon->refused[environment] || daemon_management(daemon, environment) == NULL,
        .foreign = ledger_is_foreign(daemon->ledger),
        .timeout = daemon->config->api[environment].timeout,
        /* A key that is deleted by a person's will is its own integration's current one. */
        .old_is_current = registry_is_current(daemon->registry, by_will ? entry : NULL, environment,
                                              rotation->old_key, rotation->old_id, rotation->old_last4),
        .overlap = USEC_PER_DAY,
        .max_overlap = 7 * USEC_PER_DAY,
        .holders_text = "",
    };
    if (entry == NULL)
        return;
    ret->overlap = entry->definition->overlap;
    ret->max_overlap = entry->definition->max_overlap;
    ret->delete_if_still_used = entry->definition->delete_if_still_used;
    old = entry_key(entry, rotation->old_key);
    ret->old_secret_known = old != NULL;
    ret->old_id = old != NULL ? old->id : NULL;
    ret->hooks_ran = entry->hooks_ran;
    ret->hooks_failed = entry->hooks_failed;
    if (rotation_is_swapped(rotation))
        ret->older_holders = holders_older(entry, daemon->system_mode, &ret->holders_text);
}

/* A line of the history: a change of keys, or another state. The caller frees it. */
static char *message_of(const struct rotation *rotation, enum rotation_change change, bool is_first)
{
    const char *state = rotation_state_name((enum rotation_state)rotation->state);
    const char *reason = is_first ? rotation_cause_name((enum rotation_cause)rotation->cause)
                         : rotation->reason != NULL ? rotation->reason
                                                    : "";

    switch (change) {
    case CHANGE_NEW_KEY:
        return g_strdup_printf("%s: key …%s was made", state, rotation->new_last4);
    case CHANGE_ADOPT:
        return g_strdup_printf("%s: key …%s is %s at HueChat", state, rotation->old_last4, rotation->old_id);
    case CHANGE_SWAP:
        return g_strdup_printf("%s: key …%s is in use now", rotation->old_key == 0 ? "swapped" : state,
                               rotation->new_last4);
    case CHANGE_OLD_GONE:
        return g_strdup_printf("%s: key …%s is gone", state, rotation->old_last4);
    case CHANGE_NEW_GONE:
        return g_strdup_printf("%s: key …%s was taken back", state, rotation->new_last4);
    case CHANGE_NONE:
        break;
    }
    return g_strdup_printf("%s%s%s", state, *reason != '\0' ? ": " : "", reason);
}

static int world_commit(struct rotation *rotation, enum rotation_state from, enum rotation_change change,
                        void *userdata)
{
    struct daemon *daemon = userdata;
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    bool is_first =
        !rotation_is_over(rotation) && rotator_find(daemon->rotator, rotation->integration) == NULL;
    bool is_news = is_first || from != (enum rotation_state)rotation->state || change != CHANGE_NONE;
    bool of_old = rotation->new_id == NULL || change == CHANGE_ADOPT || change == CHANGE_OLD_GONE ||
                  rotation->state == ROTATION_DELETING;
    g_autofree char *message = message_of(rotation, change, is_first);
    struct ledger_event event = {
        .time = clock_now(),
        .integration = rotation->integration,
        .event = "rotation",
        .rotation = rotation->rid,
        .key_id = of_old ? rotation->old_id : rotation->new_id,
        .last4 = of_old ? rotation->old_last4 : rotation->new_last4,
        .message = message,
    };
    int r = ledger_commit_rotation(daemon->ledger, rotation, change, is_news ? &event : NULL);

    if (r < 0) {
        journal_send(LOG_ERR, MESSAGE_LEDGER_TROUBLE,
                     (const char *[]){"KEYTURN_INTEGRATION", rotation->integration, NULL},
                     "%s: the ledger can't be written, its rotation stands still: %s", rotation->integration,
                     g_strerror(-r));
        waits_stuck(daemon->waits, rotation->rid, "the ledger can't be written: make room for it");
        return r;
    }
    if (change != CHANGE_NONE && entry != NULL && entry_reload_keys(entry, daemon->ledger) < 0)
        journal_send(LOG_ERR, NULL, (const char *[]){NULL}, "%s: the ledger can't be read",
                     rotation->integration);
    return 0;
}

static void log_state(const struct rotation *rotation)
{
    const char *fields[] = {"KEYTURN_INTEGRATION",
                            rotation->integration,
                            "KEYTURN_ROTATION",
                            rotation->rid,
                            "KEYTURN_STATE",
                            rotation_state_name((enum rotation_state)rotation->state),
                            NULL};
    bool held = rotation->state == ROTATION_HELD;

    journal_send(held ? LOG_WARNING : LOG_INFO, held ? MESSAGE_HELD : MESSAGE_ROTATION, fields,
                 "%s: rotation %s (%s): %s%s%s", rotation->integration, rotation->rid,
                 rotation_cause_name((enum rotation_cause)rotation->cause),
                 rotation_state_name((enum rotation_state)rotation->state),
                 rotation->reason != NULL ? ": " : "", rotation->reason != NULL ? rotation->reason : "");
}

/* What the end of a rotation leaves to do. */
static void take_end(struct daemon *daemon, struct entry *entry, const struct rotation *rotation)
{
    int r = 0;

    vault_remove_fresh(daemon->vault, rotation->rid);
    holders_sweep(daemon, entry);
    if (rotation->state == ROTATION_ABORTED &&
        (entry_current(entry) == NULL || entry_due_at(entry) <= clock_now())) {
        g_autofree char *text =
            g_strdup_printf("its rotation was given up: %s; the next try is tomorrow, or now with "
                            "keyturn rotate %s",
                            rotation->reason, entry->definition->name);
        daemon_attention(daemon, entry, text);
    } else {
        daemon_attention(daemon, entry, NULL);
    }
    if (rotation->state == ROTATION_ABORTED && rotation->cause != CAUSE_ADD) {
        entry->retry_at = usec_add(clock_now(), USEC_PER_DAY);
        r = ledger_set_retry(daemon->ledger, entry->definition->name, entry->retry_at);
    }
    if (r < 0)
        journal_send(LOG_WARNING, NULL, (const char *[]){NULL}, "%s: the ledger can't be written: %s",
                     entry->definition->name, g_strerror(-r));
    if (rotation->again && entry->again == NULL)
        entry->again = g_strdup(rotation->rid);
}

static bool waits_for_person(enum rotation_state state)
{
    return state == ROTATION_HELD || state == ROTATION_AWAITING_KEY || state == ROTATION_AWAITING_DELETION;
}

static void world_changed(const struct rotation *rotation, enum rotation_state from,
                          const struct rotation_step *step, void *userdata)
{
    struct daemon *daemon = userdata;
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    bool moved = from != (enum rotation_state)rotation->state;

    if (moved || step->change == CHANGE_SWAP)
        log_state(rotation);
    if (step->pause && !daemon->refused[rotation->environment])
        schedule_pause(daemon, (enum environment)rotation->environment);
    if (entry != NULL && step->change == CHANGE_SWAP)
        schedule_key_is_new(daemon, entry);
    if (entry != NULL && moved && waits_for_person(from))
        daemon_attention(daemon, entry, NULL);
    if (entry != NULL && step->attention)
        daemon_attention(daemon, entry, rotation->reason);
    if (entry != NULL && moved && rotation_is_over(rotation))
        take_end(daemon, entry, rotation);
    if (entry != NULL && (moved || step->change != CHANGE_NONE))
        daemon->news->changed(entry, daemon->news_userdata);
    waits_look(daemon->waits, rotation);
    schedule_look_again(daemon);
}

static void world_remind(const struct rotation *rotation, void *userdata)
{
    struct daemon *daemon = userdata;
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    g_autofree char *guidance = rotation_guidance(rotation);

    if (entry == NULL)
        return;
    if (g_strcmp0(entry->attention, guidance) == 0)
        entry_set_attention(entry, NULL); /* say it again */
    daemon_attention(daemon, entry, guidance);
}

static void world_ended(const struct rotation *rotation, void *userdata)
{
    struct daemon *daemon = userdata;
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    int r;

    if (entry != NULL && g_strcmp0(entry->again, rotation->rid) == 0)
        return; /* the one more that it asked for has not started: a restart is to find it */
    r = ledger_end_rotation(daemon->ledger, rotation->rid);
    if (r < 0)
        journal_send(LOG_WARNING, NULL, (const char *[]){NULL},
                     "rotation %s has ended, but the ledger can't be written: %s", rotation->rid,
                     g_strerror(-r));
}

const struct rotator_world *rotation_world(void)
{
    static const struct rotator_world world = {
        .now = world_now,
        .read_facts = world_read_facts,
        .commit = world_commit,
        .perform = performer_perform,
        .changed = world_changed,
        .remind = world_remind,
        .ended = world_ended,
    };

    return &world;
}
