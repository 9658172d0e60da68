/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of entries by name. */
#include "daemon/registry.h"

#include <errno.h>
#include <string.h>

struct registry {
    GHashTable *entries; /* name -> entry */
};

static void free_key(void *key)
{
    ledger_key_free(key);
}

static void free_holder(void *holder)
{
    holder_free(holder);
}

static void free_entry(void *data)
{
    struct entry *entry = data;

    integration_free(entry->definition);
    g_ptr_array_unref(entry->keys);
    g_ptr_array_unref(entry->holders);
    g_free(entry->last_fetched_by);
    g_free(entry->file_trouble);
    g_free(entry->unit_trouble);
    g_free(entry->troubled_unit);
    g_free(entry->attention);
    g_free(entry->again);
    g_free(entry->holders_text);
    g_free(entry);
}

struct registry *registry_new(void)
{
    struct registry *registry = g_new0(struct registry, 1);

    registry->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_entry);
    return registry;
}

struct registry *registry_free(struct registry *registry)
{
    if (registry == NULL)
        return NULL;
    g_hash_table_destroy(registry->entries);
    g_free(registry);
    return NULL;
}

struct entry *registry_find(struct registry *registry, const char *name)
{
    return g_hash_table_lookup(registry->entries, name);
}

struct entry *registry_put(struct registry *registry, struct integration *definition)
{
    struct entry *entry = registry_find(registry, definition->name);

    if (entry == NULL) {
        entry = g_new0(struct entry, 1);
        entry->keys = g_ptr_array_new_with_free_func(free_key);
        entry->holders = g_ptr_array_new_with_free_func(free_holder);
        g_hash_table_insert(registry->entries, g_strdup(definition->name), entry);
    }
    integration_free(entry->definition);
    entry->definition = definition;
    return entry;
}

void registry_remove(struct registry *registry, const char *name)
{
    g_hash_table_remove(registry->entries, name);
}

const char *management_name(enum environment environment)
{
    static const char *const names[ENVIRONMENT_COUNT] = {
        [ENVIRONMENT_LIVE] = "@live",
        [ENVIRONMENT_TEST] = "@test",
    };

    return names[environment];
}

bool entry_is_management(const struct entry *entry)
{
    return entry->definition->name[0] == '@';
}

static struct entry *put_management(struct registry *registry, enum environment environment)
{
    struct integration *definition = integration_new(management_name(environment));

    definition->environment = environment;
    definition->full_access = true;
    return registry_put(registry, definition);
}

static struct entry *put_loaded(struct registry *registry, const struct ledger_integration *loaded)
{
    struct integration *definition = integration_new(loaded->name);
    struct entry *entry;

    definition->environment = loaded->environment;
    entry = registry_put(registry, definition);
    entry->is_undefined = true;
    entry->last_fetched_at = loaded->last_fetched_at;
    entry->last_fetched_by = g_strdup(loaded->last_fetched_by);
    entry->retry_at = loaded->retry_at;
    entry->reported_at = loaded->reported_at;
    return entry;
}

static int load_holders(struct entry *entry, struct ledger *ledger)
{
    GPtrArray *holders = ledger_load_holders(ledger, entry->definition->name);

    if (holders == NULL)
        return -EIO;
    g_ptr_array_unref(entry->holders);
    entry->holders = holders;
    return 0;
}

int entry_reload_keys(struct entry *entry, struct ledger *ledger)
{
    GPtrArray *keys = ledger_load_keys_of(ledger, entry->definition->name);

    if (keys == NULL)
        return -EIO;
    g_ptr_array_unref(entry->keys);
    entry->keys = keys;
    return 0;
}

int registry_load(struct registry *registry, struct ledger *ledger)
{
    g_autoptr(GPtrArray) loaded = ledger_load_integrations(ledger);
    GHashTableIter iter;
    void *value;

    if (loaded == NULL)
        return -EIO;
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        put_management(registry, (enum environment)i);
    for (guint i = 0; i < loaded->len; i++) {
        const struct ledger_integration *integration = loaded->pdata[i];
        if (integration->name[0] != '@')
            put_loaded(registry, integration);
    }
    g_hash_table_iter_init(&iter, registry->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (entry_reload_keys(value, ledger) < 0 || load_holders(value, ledger) < 0)
            return -EIO;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct entry *const *x = a, *const *y = b;

    return g_strcmp0((*x)->definition->name, (*y)->definition->name);
}

void registry_each(struct registry *registry, bool management,
                   void (*each)(struct entry *entry, void *userdata), void *userdata)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, registry->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (management || !entry_is_management(value))
            g_ptr_array_add(entries, value);
    g_ptr_array_sort(entries, compare_names);
    for (guint i = 0; i < entries->len; i++)
        each(entries->pdata[i], userdata);
}

unsigned registry_size(const struct registry *registry)
{
    return g_hash_table_size(registry->entries);
}

static bool is_key(const struct ledger_key *key, enum environment environment, uint64_t number,
                   const char *id, const char *last4)
{
    if (key->number == number)
        return true;
    if (key->environment != environment)
        return false;
    return key->id != NULL ? g_strcmp0(key->id, id) == 0 : last4 != NULL && strcmp(key->last4, last4) == 0;
}

bool registry_is_current(struct registry *registry, const struct entry *except, enum environment environment,
                         uint64_t number, const char *id, const char *last4)
{
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, registry->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const struct ledger_key *key = value != except ? entry_current(value) : NULL;

        if (key != NULL && is_key(key, environment, number, id, last4))
            return true;
    }
    return false;
}

struct ledger_key *entry_current(const struct entry *entry)
{
    for (guint i = 0; i < entry->keys->len; i++) {
        struct ledger_key *key = entry->keys->pdata[i];
        if (key->state == KEY_CURRENT)
            return key;
    }
    return NULL;
}

struct ledger_key *entry_key(const struct entry *entry, uint64_t number)
{
    for (guint i = 0; i < entry->keys->len; i++) {
        struct ledger_key *key = entry->keys->pdata[i];
        if (key->number == number)
            return key;
    }
    return NULL;
}

usec_t entry_due_at(const struct entry *entry)
{
    const struct ledger_key *key = entry_current(entry);

    if (key == NULL)
        return USEC_INFINITY;
    if (entry->secret_missing)
        return key->created_at;
    return integration_due_at(entry->definition, key->created_at);
}

char *entry_drift(const struct entry *entry)
{
    const struct integration *definition = entry->definition;
    const struct ledger_key *key = entry_current(entry);
    bool is_full = key != NULL && g_strcmp0(key->permissions, "full") == 0;
    g_auto(GStrv) has = NULL;
    g_autofree char *asked = NULL, *has_text = NULL;

    if (key == NULL || key->permissions == NULL || entry->is_undefined)
        return NULL;
    has = g_strsplit(key->permissions, ";", -1);
    if (is_full ? definition->full_access
                : !definition->full_access && permissions_equal(has, definition->permissions))
        return NULL;
    has_text = is_full ? g_strdup("full access") : g_strjoinv(" ", has);
    asked = definition->full_access ? g_strdup("full access") : g_strjoinv(" ", definition->permissions);
    return g_strdup_printf(
        "its file asks for %s, and its key has %s: the next rotation changes that, or now keyturn "
        "rotate %s",
        asked, has_text, definition->name);
}

bool entry_set_attention(struct entry *entry, const char *attention)
{
    if (g_strcmp0(entry->attention, attention) == 0)
        return false;
    g_free(entry->attention);
    entry->attention = g_strdup(attention);
    return true;
}

struct holder *entry_holder(const struct entry *entry, const struct holder *holder)
{
    for (guint i = 0; i < entry->holders->len; i++)
        if (holder_is_same(entry->holders->pdata[i], holder))
            return entry->holders->pdata[i];
    return NULL;
}
