/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For keys that were imported where several at HueChat end in the same way. */
#include "daemon/operations/adopt.h"

#include "daemon/operations/identify.h"

struct adoption {
    struct daemon *daemon;
    char *name;
    operation_fn done;
    void *userdata;
};

bool adopt_is_possible(struct daemon *daemon, const struct entry *entry, const struct secret *secret)
{
    const struct ledger_key *key = entry_current(entry);
    const struct secret *current = key != NULL ? vault_get(daemon->vault, key->number) : NULL;

    return current != NULL && key->id == NULL && secret_equal(current, secret);
}

static int note(struct daemon *daemon, struct entry *entry, const char *id)
{
    struct ledger_key *key = entry_current(entry);
    struct ledger_event event = {.time = clock_now(),
                                 .integration = entry->definition->name,
                                 .event = "adopted",
                                 .key_id = id,
                                 .last4 = key->last4,
                                 .message = "its key's id at HueChat was named"};
    int r;

    key->id = g_strdup(id);
    r = ledger_update_key(daemon->ledger, key, &event);
    if (r < 0)
        g_clear_pointer(&key->id, g_free);
    return r;
}

static void identified(const struct remote_key *remote, const GError *error, void *userdata)
{
    struct adoption *adoption = userdata;
    struct daemon *daemon = adoption->daemon;
    struct entry *entry = registry_find(daemon->registry, adoption->name);
    const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;

    if (error != NULL) {
        adoption->done(error, NULL, adoption->userdata);
    } else if (remote == NULL || key == NULL || key->id != NULL) {
        operation_refuse(adoption->done, adoption->userdata, KT_BUSY,
                         "the key of %s has just changed: see keyturn status %s", adoption->name,
                         adoption->name);
    } else if (registry_is_current(daemon->registry, entry, remote->type, 0, remote->id, NULL)) {
        operation_refuse(adoption->done, adoption->userdata, KT_EXISTS,
                         "key %s belongs to another integration already", remote->id);
    } else if (note(daemon, entry, remote->id) < 0) {
        operation_refuse(adoption->done, adoption->userdata, KT_FAILED,
                         "the ledger can't be written: make room in %s, then import again",
                         daemon->paths.state);
    } else {
        daemon->news->changed(entry, daemon->news_userdata);
        adoption->done(NULL, key->last4, adoption->userdata);
    }
    g_free(adoption->name);
    g_free(adoption);
}

void adopt_key(struct daemon *daemon, const struct entry *entry, const char *id, operation_fn done,
               void *userdata)
{
    enum environment environment = entry->definition->environment;
    g_autoptr(GError) error = NULL;
    const struct secret *management = operation_management(daemon, environment, &error);
    struct adoption *adoption;

    if (management == NULL) {
        done(error, NULL, userdata);
        return;
    }
    adoption = g_new0(struct adoption, 1);
    *adoption = (struct adoption){daemon, g_strdup(entry->definition->name), done, userdata};
    identify_key(daemon, environment, management, id, entry_current(entry)->last4, identified, adoption);
}
