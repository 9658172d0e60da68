/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which attributes mark an item as keyturn's, and what may be kept in one. Pure: knows no service and no bus.
 */
#include "daemon/helpers/secret-service/attributes.h"

#include <string.h>

#include "dbus/names.h"

#define VALUE_MAX 256

GHashTable *kt_attributes_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

GHashTable *kt_attributes_from_variant(GVariant *dict)
{
    GHashTable *attributes = kt_attributes_new();
    GVariantIter iter;
    char *name, *value;

    g_variant_iter_init(&iter, dict);
    while (g_variant_iter_next(&iter, "{ss}", &name, &value))
        g_hash_table_insert(attributes, name, value);
    g_hash_table_remove(attributes, KT_ATTRIBUTES_SCHEMA);
    return attributes;
}

bool kt_text_is_sound(const char *text, size_t length, size_t max)
{
    return length > 0 && length <= max && !memchr(text, '\0', length) && !memchr(text, '\r', length) &&
           !memchr(text, '\n', length) && g_utf8_validate(text, (gssize)length, NULL);
}

static bool has(GHashTable *attributes, const char *name)
{
    const char *value = g_hash_table_lookup(attributes, name);

    return value && kt_text_is_sound(value, strlen(value), VALUE_MAX);
}

bool kt_attributes_are_ours(GHashTable *attributes)
{
    switch (g_hash_table_size(attributes)) {
    case 1:
        return has(attributes, KT_ATTRIBUTE_MANAGEMENT);
    case 3:
        return has(attributes, KT_ATTRIBUTE_INTEGRATION) && has(attributes, KT_ATTRIBUTE_ENVIRONMENT) &&
               has(attributes, KT_ATTRIBUTE_KEY_ID);
    }
    return false;
}

bool kt_attributes_equal(GHashTable *a, GHashTable *b)
{
    GHashTableIter iter;
    void *name, *value;

    if (g_hash_table_size(a) != g_hash_table_size(b))
        return false;
    g_hash_table_iter_init(&iter, a);
    while (g_hash_table_iter_next(&iter, &name, &value))
        if (g_strcmp0(value, g_hash_table_lookup(b, name)) != 0)
            return false;
    return true;
}
