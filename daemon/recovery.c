/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes, then at most one listing an environment, then rows in the ledger. */
#include "daemon/recovery.h"

#include <string.h>

#include "daemon/schedule.h"

struct find {
    char *integration; /* NULL: a management key */
    enum environment environment;
    char *key_id;
    struct secret *secret;
    const struct remote_key *remote; /* in the listing; NULL: not asked, or not there */
};

struct recovery {
    struct daemon *daemon;
    GPtrArray *finds;
    int environment; /* whose listing is asked for */
};

static void find_free(void *data)
{
    struct find *find = data;

    g_free(find->integration);
    g_free(find->key_id);
    secret_free(find->secret);
    g_free(find);
}

struct recovery *recovery_new(struct daemon *daemon)
{
    struct recovery *recovery = g_new0(struct recovery, 1);

    recovery->daemon = daemon;
    recovery->finds = g_ptr_array_new_with_free_func(find_free);
    return recovery;
}

struct recovery *recovery_free(struct recovery *recovery)
{
    if (recovery == NULL)
        return NULL;
    g_ptr_array_unref(recovery->finds);
    g_free(recovery);
    return NULL;
}

void recovery_note(struct recovery *recovery, const struct keyring_item *item, const struct secret *secret)
{
    enum environment carried;
    struct find *find;

    if (environment_of_key(secret_text(secret), &carried) < 0 || carried != item->environment)
        return;
    find = g_new0(struct find, 1);
    *find = (struct find){
        .integration = g_strdup(item->integration),
        .environment = item->environment,
        .key_id = g_strdup(item->key_id),
        .secret = secret_copy(secret),
    };
    g_ptr_array_add(recovery->finds, find);
}

static struct entry *entry_of(const struct recovery *recovery, const struct find *find)
{
    return registry_find(recovery->daemon->registry,
                         find->integration != NULL ? find->integration : management_name(find->environment));
}

static bool is_wanted(const struct recovery *recovery, const struct find *find)
{
    const struct entry *entry = entry_of(recovery, find);

    return find->secret != NULL && entry != NULL && entry->definition->environment == find->environment &&
           entry_current(entry) == NULL &&
           rotator_find(recovery->daemon->rotator, entry->definition->name) == NULL;
}

/* One row for a find. */
static void take_back(struct recovery *recovery, const struct find *find, enum key_state state)
{
    struct daemon *daemon = recovery->daemon;
    struct entry *entry = entry_of(recovery, find);
    const struct remote_key *remote = find->remote;
    g_autofree char *permissions = remote != NULL ? remote_key_permissions(remote) : NULL;
    g_autofree char *last4 = g_strndup(secret_last4(find->secret), 4);
    struct ledger_key key = {
        .integration = entry->definition->name,
        .environment = find->environment,
        .id = remote != NULL ? remote->id : NULL,
        .item = find->key_id,
        .last4 = last4,
        .state = state,
        .created_at = remote != NULL && remote->created_at != 0 ? remote->created_at : clock_now(),
        .last_used_at = remote != NULL ? remote->last_used_at : 0,
        .permissions = permissions,
    };
    struct ledger_event event = {
        .time = clock_now(),
        .integration = entry->definition->name,
        .event = "recovered",
        .key_id = key.id,
        .last4 = last4,
        .message = "its key was found in the keyring and taken back into the ledger",
    };

    if (ledger_add_key(daemon->ledger, &key, NULL) < 0 || entry_reload_keys(entry, daemon->ledger) < 0) {
        event.message = "its key was found in the keyring, but the ledger can't be written";
        daemon_note(daemon, LOG_ERR, &event);
        return;
    }
    vault_put(daemon->vault, key.number, find->secret);
    daemon_note(daemon, LOG_NOTICE, &event);
    if (!entry_is_management(entry))
        daemon->news->changed(entry, daemon->news_userdata);
}

/* Whether a is the better current key. Without a listing nothing tells which: then the integration keeps
 * neither. */
static bool is_newer(const struct find *a, const struct find *b)
{
    if (a->remote == NULL || b->remote == NULL)
        return a->remote != NULL;
    return a->remote->created_at > b->remote->created_at;
}

static const struct find *newest_of(const struct recovery *recovery, const char *integration, unsigned *ret_n)
{
    const struct find *newest = NULL;

    *ret_n = 0;
    for (guint i = 0; i < recovery->finds->len; i++) {
        const struct find *find = recovery->finds->pdata[i];

        if (find->environment != (enum environment)recovery->environment ||
            g_strcmp0(find->integration, integration) != 0 || !is_wanted(recovery, find))
            continue;
        (*ret_n)++;
        if (newest == NULL || is_newer(find, newest))
            newest = find;
    }
    return newest;
}

static void take_integration(struct recovery *recovery, const char *integration)
{
    unsigned n;
    const struct find *newest = newest_of(recovery, integration, &n);
    struct entry *entry;

    if (newest == NULL)
        return;
    entry = entry_of(recovery, newest);
    if (n > 1 && newest->remote == NULL) {
        g_autofree char *text =
            g_strdup_printf("the keyring holds %u keys of it, and nothing tells which is the "
                            "current one: keyturn login %s, then keyturn reload",
                            n, environment_name(newest->environment));
        daemon_attention(recovery->daemon, entry, text);
        return;
    }
    for (guint i = 0; i < recovery->finds->len; i++) {
        const struct find *find = recovery->finds->pdata[i];

        if (find != newest && find->remote != NULL && g_strcmp0(find->integration, integration) == 0 &&
            is_wanted(recovery, find))
            take_back(recovery, find, KEY_RETIRING);
    }
    take_back(recovery, newest, KEY_CURRENT);
}

static void take_environment(struct recovery *recovery)
{
    for (guint i = 0; i < recovery->finds->len; i++) {
        const struct find *find = recovery->finds->pdata[i];

        if (find->integration != NULL && find->environment == (enum environment)recovery->environment)
            take_integration(recovery, find->integration);
    }
}

static void match(struct recovery *recovery, const struct provider_result *result)
{
    for (guint i = 0; i < recovery->finds->len; i++) {
        struct find *find = recovery->finds->pdata[i];

        for (size_t k = 0; result->counts && k < result->n_keys; k++) {
            const struct remote_key *remote = &result->keys[k];

            if (remote->type == find->environment && strcmp(remote->id, find->key_id) == 0 &&
                strncmp(remote->last4, secret_last4(find->secret), 4) == 0)
                find->remote = remote;
        }
    }
}

static void next_environment(struct recovery *recovery);

static void listed(struct provider_result *result, void *userdata)
{
    struct recovery *recovery = userdata;

    match(recovery, result);
    take_environment(recovery);
    for (guint i = 0; i < recovery->finds->len; i++)
        ((struct find *)recovery->finds->pdata[i])->remote = NULL;
    recovery->environment++;
    next_environment(recovery);
}

static bool has_wanted(const struct recovery *recovery)
{
    for (guint i = 0; i < recovery->finds->len; i++) {
        const struct find *find = recovery->finds->pdata[i];

        if (find->integration != NULL && find->environment == (enum environment)recovery->environment &&
            is_wanted(recovery, find))
            return true;
    }
    return false;
}

/* Goes through the environments; frees the recovery behind the last one. */
static void next_environment(struct recovery *recovery)
{
    struct daemon *daemon = recovery->daemon;

    for (; recovery->environment < ENVIRONMENT_COUNT; recovery->environment++) {
        enum environment environment = (enum environment)recovery->environment;
        const struct secret *management = daemon_management(daemon, environment);

        if (!has_wanted(recovery))
            continue;
        if (management != NULL) {
            provider_list(daemon->providers[environment], PRIORITY_PERSON, management, listed, recovery);
            return;
        }
        take_environment(recovery);
    }
    recovery_free(recovery);
    rotator_wake(daemon->rotator);
    schedule_look_again(daemon);
}

void recovery_finish(struct recovery *recovery)
{
    for (guint i = 0; i < recovery->finds->len; i++) {
        const struct find *find = recovery->finds->pdata[i];

        if (find->integration == NULL && is_wanted(recovery, find))
            take_back(recovery, find, KEY_CURRENT);
    }
    next_environment(recovery);
}
