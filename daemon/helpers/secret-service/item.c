/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys as items of the default collection. Touches items of our schema there and no others. */
#include "daemon/helpers/secret-service/item.h"

#include <string.h>

#include "daemon/helpers/secret-service/attributes.h"
#include "dbus/names.h"

#define ITEM_INTERFACE "org.freedesktop.Secret.Item"

static const SecretSchema schema = {
    KT_SECRET_SCHEMA,
    SECRET_SCHEMA_NONE,
    {
        {KT_ATTRIBUTE_INTEGRATION, SECRET_SCHEMA_ATTRIBUTE_STRING},
        {KT_ATTRIBUTE_ENVIRONMENT, SECRET_SCHEMA_ATTRIBUTE_STRING},
        {KT_ATTRIBUTE_KEY_ID, SECRET_SCHEMA_ATTRIBUTE_STRING},
        {KT_ATTRIBUTE_MANAGEMENT, SECRET_SCHEMA_ATTRIBUTE_STRING},
    },
};

static void item_free(void *p)
{
    KtItem *item = p;

    g_hash_table_unref(item->attributes);
    secret_value_unref(item->secret);
    g_free(item);
}

/* Paths of the default collection's items of our schema that have at least these attributes. */
static int search(KtSession *session, GHashTable *attributes, GPtrArray **ret, sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *below = g_strconcat(kt_session_collection(session), "/", NULL);
    g_auto(GStrv) unlocked = NULL;
    g_autoptr(GError) cause = NULL;

    if (!secret_service_search_for_dbus_paths_sync(kt_session_service(session), &schema, attributes, NULL,
                                                   &unlocked, NULL, &cause))
        return kt_session_error(ret_error, "The keyring can't be searched", cause);
    for (char **path = unlocked; *path; path++)
        if (g_str_has_prefix(*path, below))
            g_ptr_array_add(paths, g_strdup(*path));
    *ret = g_steal_pointer(&paths);
    return 0;
}

static int attributes_of(KtSession *session, const char *path, GHashTable **ret, sd_bus_error *ret_error)
{
    g_autoptr(GVariant) dict = NULL;
    g_autoptr(GError) cause = NULL;

    dict = kt_session_get(session, path, ITEM_INTERFACE, "Attributes", &cause);
    if (!dict)
        return kt_session_error(ret_error, "A key's attributes can't be read", cause);
    if (!g_variant_is_of_type(dict, G_VARIANT_TYPE("a{ss}")))
        return sd_bus_error_set(ret_error, KT_ERROR_FAILED, "The Secret Service's Attributes are no strings");
    *ret = kt_attributes_from_variant(dict);
    return 0;
}

/* Services match items that have more attributes as well; here none but exact ones are left. */
static int search_exactly(KtSession *session, GHashTable *attributes, GPtrArray **ret,
                          sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) paths = NULL;
    int r;

    r = search(session, attributes, &paths, ret_error);
    if (r < 0)
        return r;
    for (guint i = paths->len; i-- > 0;) {
        g_autoptr(GHashTable) found = NULL;

        r = attributes_of(session, paths->pdata[i], &found, ret_error);
        if (r < 0)
            return r;
        if (!kt_attributes_equal(found, attributes))
            g_ptr_array_remove_index(paths, i);
    }
    *ret = g_steal_pointer(&paths);
    return 0;
}

static int no_key(KtSession *session, sd_bus_error *ret_error)
{
    /* A keyring that was locked a moment ago finds nothing either, and says no word about it. */
    int r = kt_session_unlocked(session, ret_error);

    return r < 0 ? r : sd_bus_error_set(ret_error, KT_ERROR_NO_KEY, "The keyring has no such key");
}

int kt_item_load(KtSession *session, GHashTable *attributes, SecretValue **ret, sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) paths = NULL;
    g_autoptr(GError) cause = NULL;
    int r;

    r = search_exactly(session, attributes, &paths, ret_error);
    if (r < 0)
        return r;
    if (paths->len == 0)
        return no_key(session, ret_error);
    *ret = secret_service_get_secret_for_dbus_path_sync(kt_session_service(session), paths->pdata[0], NULL,
                                                        &cause);
    if (cause)
        return kt_session_error(ret_error, "A key can't be read from the keyring", cause);
    return *ret ? 0 : no_key(session, ret_error);
}

static int create(KtSession *session, const char *label, GHashTable *attributes, SecretValue *secret,
                  sd_bus_error *ret_error)
{
    g_autoptr(GHashTable) properties =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);
    g_autoptr(GVariantBuilder) dict = g_variant_builder_new(G_VARIANT_TYPE("a{ss}"));
    g_autofree char *path = NULL;
    g_autoptr(GError) cause = NULL;
    GHashTableIter iter;
    void *name, *value;

    g_hash_table_iter_init(&iter, attributes);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_variant_builder_add(dict, "{ss}", name, value);
    g_variant_builder_add(dict, "{ss}", KT_ATTRIBUTES_SCHEMA, KT_SECRET_SCHEMA);
    g_hash_table_insert(properties, (char *)ITEM_INTERFACE ".Label",
                        g_variant_ref_sink(g_variant_new_string(label)));
    g_hash_table_insert(properties, (char *)ITEM_INTERFACE ".Attributes",
                        g_variant_ref_sink(g_variant_builder_end(dict)));
    path =
        secret_service_create_item_dbus_path_sync(kt_session_service(session), kt_session_collection(session),
                                                  properties, secret, SECRET_ITEM_CREATE_NONE, NULL, &cause);
    return cause ? kt_session_error(ret_error, "A key can't be stored in the keyring", cause) : 0;
}

static int set_label(KtSession *session, const char *path, const char *label, sd_bus_error *ret_error)
{
    g_autoptr(GVariant) old = NULL, reply = NULL;
    g_autoptr(GError) cause = NULL;

    old = kt_session_get(session, path, ITEM_INTERFACE, "Label", &cause);
    if (old && g_variant_is_of_type(old, G_VARIANT_TYPE_STRING) &&
        strcmp(g_variant_get_string(old, NULL), label) == 0)
        return 0;
    if (old)
        reply = kt_session_call(session, path, "org.freedesktop.DBus.Properties", "Set",
                                g_variant_new("(ssv)", ITEM_INTERFACE, "Label", g_variant_new_string(label)),
                                &cause);
    return cause ? kt_session_error(ret_error, "A key's label can't be set", cause) : 0;
}

static int replace(KtSession *session, const char *path, const char *label, SecretValue *secret,
                   sd_bus_error *ret_error)
{
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GError) cause = NULL;
    GVariant *sealed = secret_service_encode_dbus_secret(kt_session_service(session), secret);

    reply = kt_session_call(session, path, ITEM_INTERFACE, "SetSecret", g_variant_new("(@(oayays))", sealed),
                            &cause);
    if (!reply)
        return kt_session_error(ret_error, "A key can't be replaced in the keyring", cause);
    return set_label(session, path, label, ret_error);
}

/* Erases the items at these paths, from the first-th on. */
static int erase_from(KtSession *session, GPtrArray *paths, guint first, sd_bus_error *ret_error)
{
    for (guint i = first; i < paths->len; i++) {
        g_autoptr(GError) cause = NULL;

        secret_service_delete_item_dbus_path_sync(kt_session_service(session), paths->pdata[i], NULL, &cause);
        if (cause)
            return kt_session_error(ret_error, "A key can't be erased from the keyring", cause);
    }
    return 0;
}

static int read_back(KtSession *session, GHashTable *attributes, SecretValue *secret, sd_bus_error *ret_error)
{
    g_autoptr(SecretValue) stored = NULL;
    gsize length, stored_length;
    const char *text, *stored_text;
    int r;

    r = kt_item_load(session, attributes, &stored, ret_error);
    if (r < 0)
        return r;
    text = secret_value_get(secret, &length);
    stored_text = secret_value_get(stored, &stored_length);
    if (length != stored_length || memcmp(text, stored_text, length) != 0)
        return sd_bus_error_set(ret_error, KT_ERROR_FAILED,
                                "The keyring gives back another key than it was given");
    return 0;
}

int kt_item_store(KtSession *session, const char *label, GHashTable *attributes, SecretValue *secret,
                  sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) paths = NULL;
    int r;

    r = search_exactly(session, attributes, &paths, ret_error);
    if (r < 0)
        return r;
    if (paths->len == 0)
        r = create(session, label, attributes, secret, ret_error);
    else
        r = replace(session, paths->pdata[0], label, secret, ret_error);
    if (r >= 0)
        r = erase_from(session, paths, 1, ret_error);
    return r < 0 ? r : read_back(session, attributes, secret, ret_error);
}

int kt_item_erase(KtSession *session, GHashTable *attributes, sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) paths = NULL;
    int r;

    r = search_exactly(session, attributes, &paths, ret_error);
    if (r < 0)
        return r;
    if (paths->len == 0)
        return kt_session_unlocked(session, ret_error);
    return erase_from(session, paths, 0, ret_error);
}

static bool holds_a_key(GHashTable *attributes, SecretValue *secret)
{
    gsize length;
    const char *text;

    if (!secret || !kt_attributes_are_ours(attributes) ||
        g_strcmp0(g_hash_table_lookup(attributes, KT_ATTRIBUTE_MANAGEMENT), KT_ATTRIBUTES_CHECK) == 0)
        return false;
    text = secret_value_get(secret, &length);
    return kt_text_is_sound(text, length, KT_KEY_MAX);
}

/* An item that holds no key of ours is left out, so that one damaged item doesn't cost all others; loading it
 * by itself says what is wrong with it. */
static int add_item(KtSession *session, GPtrArray *items, const char *path, SecretValue *secret,
                    sd_bus_error *ret_error)
{
    g_autoptr(GHashTable) attributes = NULL;
    KtItem *item;
    int r;

    r = attributes_of(session, path, &attributes, ret_error);
    if (r < 0 || !holds_a_key(attributes, secret))
        return r;
    item = g_new(KtItem, 1);
    item->attributes = g_steal_pointer(&attributes);
    item->secret = secret_value_ref(secret);
    g_ptr_array_add(items, item);
    return 0;
}

int kt_item_load_all(KtSession *session, GPtrArray **ret, sd_bus_error *ret_error)
{
    g_autoptr(GHashTable) any = kt_attributes_new(), secrets = NULL;
    g_autoptr(GPtrArray) paths = NULL, items = g_ptr_array_new_with_free_func(item_free);
    g_autoptr(GError) cause = NULL;
    guint count;
    int r;

    r = search(session, any, &paths, ret_error);
    if (r < 0)
        return r;
    count = paths->len;
    g_ptr_array_add(paths, NULL);
    secrets = secret_service_get_secrets_for_dbus_paths_sync(kt_session_service(session),
                                                             (const char **)paths->pdata, NULL, &cause);
    if (!secrets)
        return kt_session_error(ret_error, "The keys can't be read from the keyring", cause);
    for (guint i = 0; i < count; i++) {
        const char *path = paths->pdata[i];

        r = add_item(session, items, path, g_hash_table_lookup(secrets, path), ret_error);
        if (r < 0)
            return r;
    }
    r = kt_session_unlocked(session, ret_error);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&items);
    return 0;
}
