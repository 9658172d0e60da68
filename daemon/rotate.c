/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an entry to a record. */
#include "daemon/rotate.h"

#include <errno.h>
#include <sys/random.h>

#include "daemon/core/errors.h"

static bool may_begin(struct daemon *daemon, struct entry *entry, enum rotation_cause cause, GError **error)
{
    const char *name = entry->definition->name;
    const char *environment = environment_name(entry->definition->environment);
    const struct rotation *running = rotator_find(daemon->rotator, name);

    if (entry->is_undefined) {
        g_set_error(error, KT_ERROR, KT_INVALID, "the file of %s is gone: put it back, then keyturn reload",
                    name);
        return false;
    }
    if (running != NULL && running->state == ROTATION_HELD) {
        g_set_error(error, KT_ERROR, KT_HELD,
                    "a rotation of %s is held: %s: keyturn resume %s, or keyturn rollback %s", name,
                    running->reason, name, name);
        return false;
    }
    if (running != NULL) {
        g_set_error(error, KT_ERROR, KT_BUSY, "a rotation of %s is under way (%s): see keyturn status %s",
                    name, rotation_state_name((enum rotation_state)running->state), name);
        return false;
    }
    if (entry->definition->managed_by == MANAGED_BY_API &&
        entry_current(registry_find(daemon->registry, management_name(entry->definition->environment))) ==
            NULL) {
        g_set_error(error, KT_ERROR, KT_NO_MANAGEMENT_KEY,
                    "there is no management key for %s: store one with keyturn login %s", environment,
                    environment);
        return false;
    }
    return true;
}

static char *new_rid(void)
{
    uint32_t number;

    if (getrandom(&number, sizeof number, 0) != sizeof number)
        return NULL;
    return g_strdup_printf("%08x", number);
}

static void describe_old(struct rotation *rotation, const struct ledger_key *key)
{
    rotation->old_key = key->number;
    rotation->old_id = g_strdup(key->id);
    rotation->old_last4 = g_strdup(key->last4);
    rotation->old_name = g_strdup(key->name);
}

/* The record of a rotation of this entry's key (NULL: it has none); NULL when no random number can be had. */
static struct rotation *new_record(const struct entry *entry, const struct ledger_key *old,
                                   enum rotation_cause cause)
{
    const struct integration *definition = entry->definition;
    g_autofree char *rid = new_rid();
    struct rotation *rotation;

    if (rid == NULL)
        return NULL;
    rotation = rotation_new(rid, definition->name, definition->environment, cause, clock_now());
    rotation->managed_by = definition->managed_by;
    rotation->full_access = definition->full_access;
    rotation->permissions = g_strjoinv(";", definition->permissions);
    if (old != NULL)
        describe_old(rotation, old);
    return rotation;
}

/* Takes the record. */
static int start(struct daemon *daemon, struct entry *entry, struct rotation *rotation)
{
    int r = rotator_start(daemon->rotator, rotation);

    if (r == 0)
        daemon->news->changed(entry, daemon->news_userdata); /* no longer idle */
    return r;
}

char *rotate_begin(struct daemon *daemon, struct entry *entry, enum rotation_cause cause, GError **error)
{
    g_autofree char *rid = NULL;
    struct rotation *rotation;
    int r;

    if (!may_begin(daemon, entry, cause, error))
        return NULL;
    rotation = new_record(entry, entry_current(entry), cause);
    if (rotation == NULL) {
        g_set_error(error, KT_ERROR, KT_FAILED, "no random number can be had: %s", g_strerror(errno));
        return NULL;
    }
    rid = g_strdup(rotation->rid);
    r = start(daemon, entry, rotation);
    if (r < 0) {
        g_set_error(error, KT_ERROR, KT_FAILED, "the ledger can't be written: %s: make room in %s",
                    g_strerror(-r), daemon->paths.state);
        return NULL;
    }
    return g_steal_pointer(&rid);
}

static const struct ledger_key *leftover(const struct entry *entry)
{
    for (guint i = 0; i < entry->keys->len; i++) {
        const struct ledger_key *key = entry->keys->pdata[i];
        if (key->state == KEY_RETIRING)
            return key;
    }
    return NULL;
}

bool rotate_leftover(struct daemon *daemon, struct entry *entry)
{
    const struct ledger_key *key = leftover(entry), *current = entry_current(entry);
    struct rotation *rotation;

    if (key == NULL || current == NULL || rotator_find(daemon->rotator, entry->definition->name) != NULL)
        return false;
    rotation = new_record(entry, key, CAUSE_ASKED);
    if (rotation == NULL)
        return false;
    rotation->new_key = current->number;
    rotation->new_id = g_strdup(current->id);
    rotation->new_last4 = g_strdup(current->last4);
    rotation->swapped_at = rotation->started_at;
    rotation->state = ROTATION_DRAINING;
    return start(daemon, entry, rotation) == 0;
}
