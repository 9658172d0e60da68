/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What state the keyring is in. Writes one item of its own, under an attribute that no key has. */
#include "daemon/helpers/secret-service/check.h"

#include <systemd/sd-id128.h>

#include "daemon/helpers/secret-service/attributes.h"
#include "daemon/helpers/secret-service/item.h"
#include "dbus/names.h"

static int try_write(KtSession *session, sd_bus_error *ret_error)
{
    g_autoptr(GHashTable) attributes = kt_attributes_new();
    g_autoptr(SecretValue) secret = NULL;
    char text[SD_ID128_STRING_MAX];
    sd_id128_t id;
    int r;

    r = sd_id128_randomize(&id);
    if (r < 0)
        return r;
    secret = secret_value_new(sd_id128_to_string(id, text), -1, "text/plain");
    g_hash_table_insert(attributes, g_strdup(KT_ATTRIBUTE_MANAGEMENT), g_strdup(KT_ATTRIBUTES_CHECK));
    r = kt_item_store(session, "keyturn: can this keyring be written?", attributes, secret, ret_error);
    return r < 0 ? r : kt_item_erase(session, attributes, ret_error);
}

static int find_state(KtSession *session, bool write, sd_bus_error *ret_error)
{
    bool dormant;
    int r;

    if (!write) {
        r = kt_session_is_dormant(session, &dormant, ret_error);
        if (r < 0 || dormant)
            return r;
    }
    r = kt_session_ready(session, ret_error);
    return r < 0 || !write ? r : try_write(session, ret_error);
}

int kt_check(KtSession *session, bool write, const char **ret, sd_bus_error *ret_error)
{
    int r = find_state(session, write, ret_error);

    if (sd_bus_error_has_name(ret_error, KT_ERROR_KEYRING_LOCKED))
        *ret = "locked";
    else if (sd_bus_error_has_name(ret_error, KT_ERROR_KEYRING_ABSENT))
        *ret = "absent";
    else if (r < 0)
        return r;
    else
        *ret = "unlocked";
    sd_bus_error_free(ret_error);
    return 0;
}
