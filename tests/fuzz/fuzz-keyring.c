/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers of keyturn-secret-service, and through it whatever lies in the keyring: an item that is taken for
 * ours names itself the same way when it is written. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

#include <errno.h>

#include "daemon/core/integration.h"
#include "daemon/io/keyring-message.h"
#include "dbus/names.h"

static const char *const signatures[] = {"a(a{ss}s)", "s", "a{ss}", "a(sv)", "as", NULL};
static const char *const words[] = {KT_ATTRIBUTE_INTEGRATION,
                                    KT_ATTRIBUTE_ENVIRONMENT,
                                    KT_ATTRIBUTE_KEY_ID,
                                    KT_ATTRIBUTE_MANAGEMENT,
                                    "crm",
                                    "live",
                                    "test",
                                    "key_1",
                                    "sk_test_abcdef9xyz",
                                    "unlocked",
                                    "locked",
                                    "absent",
                                    "",
                                    NULL};
static const struct vocabulary vocabulary = {signatures, words};

/* What keyturnd asks the helper for by this item is what the helper told it. */
static void assert_item(sd_bus_message *read, const struct keyring_item *item)
{
    sd_bus_message *m;
    const char *first, *value;

    fuzz_assert(item->key_id != NULL && *item->key_id != '\0' && item->environment < ENVIRONMENT_COUNT);
    fuzz_assert(item->integration == NULL || integration_name_is_valid(item->integration));
    for (const char *c = item->key_id; *c != '\0'; c++)
        fuzz_assert(g_ascii_isgraph(*c));
    fuzz_assert(sd_bus_message_new_signal(sd_bus_message_get_bus(read), &m, "/a", "a.b", "c") >= 0);
    fuzz_assert(keyring_append_item(m, item) >= 0);
    fuzz_assert(sd_bus_message_seal(m, 1, 0) >= 0 && sd_bus_message_rewind(m, true) >= 0);
    fuzz_assert(sd_bus_message_enter_container(m, 'a', "{ss}") > 0);
    fuzz_assert(sd_bus_message_read(m, "{ss}", &first, &value) > 0);
    if (item->integration == NULL)
        fuzz_assert(strcmp(first, KT_ATTRIBUTE_MANAGEMENT) == 0);
    else
        fuzz_assert(strcmp(first, KT_ATTRIBUTE_INTEGRATION) == 0 && strcmp(value, item->integration) == 0);
    sd_bus_message_unref(m);
}

static void read_items(sd_bus_message *m)
{
    struct keyring_item item;
    struct secret *secret;
    int r;

    if (sd_bus_message_enter_container(m, 'a', "(a{ss}s)") <= 0)
        return;
    while ((r = keyring_read_item(m, &item, &secret)) == 1 || r == -ENOENT)
        if (r == 1) {
            assert_item(m, &item);
            fuzz_assert(secret == NULL || secret_is_wellformed(secret_text(secret), secret_length(secret)));
            secret_free(secret);
        }
}

static void read_texts(sd_bus_message *m)
{
    enum keyring_state state = KEYRING_ABSENT;
    struct secret *secret;

    if (keyring_read_secret(m, &secret) == 0) {
        fuzz_assert(secret_is_wellformed(secret_text(secret), secret_length(secret)));
        secret_free(secret);
    }
    sd_bus_message_rewind(m, true);
    if (keyring_read_state(m, &state) == 0)
        fuzz_assert(keyring_state_name(state) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sd_bus_message *m = message_of_bytes(&vocabulary, data, size);

    if (m == NULL)
        return 0;
    read_items(m);
    sd_bus_message_rewind(m, true);
    read_texts(m);
    sd_bus_message_unref(m);
    return 0;
}
