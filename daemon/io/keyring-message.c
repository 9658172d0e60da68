/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Items are told apart by their attributes alone; the label is for people. */
#include "daemon/io/keyring-message.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "daemon/core/integration.h"
#include "dbus/names.h"

const char *keyring_state_name(enum keyring_state state)
{
    switch (state) {
    case KEYRING_ABSENT:
        return "absent";
    case KEYRING_LOCKED:
        return "locked";
    case KEYRING_UNLOCKED:
        return "unlocked";
    }
    return NULL;
}

static char *make_label(const struct keyring_item *item, const struct secret *secret)
{
    if (item->integration == NULL)
        return g_strdup_printf("keyturn: management key, %s (…%s)", environment_name(item->environment),
                               secret_last4(secret));
    return g_strdup_printf("keyturn: %s (…%s)", item->integration, secret_last4(secret));
}

/* "test" for a management key that a person stored, "test:ID" for one that a rotation made: both are there at
 * once. */
static char *management_value(const struct keyring_item *item)
{
    const char *environment = environment_name(item->environment);

    if (item->key_id == NULL || g_str_equal(item->key_id, environment))
        return g_strdup(environment);
    return g_strdup_printf("%s:%s", environment, item->key_id);
}

int keyring_append_item(sd_bus_message *m, const struct keyring_item *item)
{
    const char *environment = environment_name(item->environment);
    g_autofree char *management = item->integration == NULL ? management_value(item) : NULL;

    if (item->integration == NULL)
        return sd_bus_message_append(m, "a{ss}", 1, KT_ATTRIBUTE_MANAGEMENT, management);
    return sd_bus_message_append(m, "a{ss}", 3, KT_ATTRIBUTE_INTEGRATION, item->integration,
                                 KT_ATTRIBUTE_ENVIRONMENT, environment, KT_ATTRIBUTE_KEY_ID, item->key_id);
}

int keyring_append_store(sd_bus_message *m, const struct keyring_item *item, const struct secret *secret)
{
    g_autofree char *label = make_label(item, secret);
    int r;

    r = sd_bus_message_append(m, "s", label);
    if (r >= 0)
        r = keyring_append_item(m, item);
    return r < 0 ? r : sd_bus_message_append(m, "s", secret_text(secret));
}

int keyring_read_secret(sd_bus_message *m, struct secret **ret)
{
    struct secret *secret;
    const char *text;
    int r;

    r = sd_bus_message_read(m, "s", &text);
    if (r < 0)
        return r;
    secret = secret_new(text, strlen(text));
    if (secret == NULL)
        return -errno;
    *ret = secret;
    return 0;
}

/* As HueChat makes ids, and the ledger its stand-ins. */
static bool is_id(const char *text)
{
    size_t length = 0;

    while (g_ascii_isgraph(text[length]))
        length++;
    return length > 0 && text[length] == '\0';
}

static bool name_management(const char *management, struct keyring_item *item)
{
    for (int i = 0; i < ENVIRONMENT_COUNT; i++) {
        const char *environment = environment_name((enum environment)i);
        size_t length = strlen(environment);

        if (strncmp(management, environment, length) != 0 ||
            (management[length] != '\0' && management[length] != ':'))
            continue;
        item->environment = (enum environment)i;
        item->key_id = management[length] == ':' ? management + length + 1 : environment;
        return is_id(item->key_id);
    }
    return false;
}

/* Whether the attributes name an item of ours: a management key's or an integration's. Anybody who can write
 * the keyring can make others. */
static bool name_item(const char *management, const char *environment, struct keyring_item *item)
{
    if (management != NULL)
        return item->integration == NULL && item->key_id == NULL && name_management(management, item);
    return item->integration != NULL && integration_name_is_valid(item->integration) &&
           item->key_id != NULL && is_id(item->key_id) && environment != NULL &&
           environment_parse(environment, &item->environment) == 0;
}

static int read_attributes(sd_bus_message *m, struct keyring_item *ret)
{
    const char *name, *value, *management = NULL, *environment = NULL;
    struct keyring_item item = {0};
    int r;

    r = sd_bus_message_enter_container(m, 'a', "{ss}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(m, "{ss}", &name, &value)) > 0)
        if (g_str_equal(name, KT_ATTRIBUTE_INTEGRATION))
            item.integration = value;
        else if (g_str_equal(name, KT_ATTRIBUTE_KEY_ID))
            item.key_id = value;
        else if (g_str_equal(name, KT_ATTRIBUTE_ENVIRONMENT))
            environment = value;
        else if (g_str_equal(name, KT_ATTRIBUTE_MANAGEMENT))
            management = value;
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    if (!name_item(management, environment, &item))
        return 0;
    *ret = item;
    return 1;
}

int keyring_read_item(sd_bus_message *m, struct keyring_item *ret, struct secret **ret_secret)
{
    _cleanup_secret_ struct secret *secret = NULL;
    struct keyring_item item;
    int r, is_ours;

    r = sd_bus_message_enter_container(m, 'r', "a{ss}s");
    if (r <= 0)
        return r;
    is_ours = read_attributes(m, &item);
    if (is_ours < 0)
        return is_ours;
    r = keyring_read_secret(m, &secret);
    if (r >= 0 || r == -EINVAL)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    if (is_ours == 0)
        return -ENOENT;
    *ret = item;
    *ret_secret = g_steal_pointer(&secret);
    return 1;
}

int keyring_read_state(sd_bus_message *m, enum keyring_state *ret)
{
    const char *name;
    int r;

    r = sd_bus_message_read(m, "s", &name);
    if (r < 0)
        return r;
    for (enum keyring_state state = KEYRING_ABSENT; state <= KEYRING_UNLOCKED; state++)
        if (g_str_equal(name, keyring_state_name(state))) {
            *ret = state;
            return 0;
        }
    return -EBADMSG;
}
