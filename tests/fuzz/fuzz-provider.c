/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers of keyturn-huechat, which may be in anybody's hands: keyturnd takes whole ones, or none. */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/message.h"

#include "daemon/io/provider-message.h"
#include "daemon/util/text.h"

static const char *const signatures[] = {"a{sv}", "a{sv}a{sv}s", "aa{sv}", "a{sv}aa{sv}tb", "a{ss}",
                                         "av",    "s",           "(sv)",   "aa{ss}",        NULL};
static const char *const words[] = {"Status:u",
                                    "Sent:b",
                                    "Complete:b",
                                    "Error:s",
                                    "Message:s",
                                    "RequestId:s",
                                    "Date:t",
                                    "RetryAfter:t",
                                    "RateLimit:x",
                                    "RateRemaining:x",
                                    "RateReset:x",
                                    "Id:s",
                                    "Name:s",
                                    "Type:s",
                                    "Access:s",
                                    "Permissions:as",
                                    "Last4:s",
                                    "CreatedAt:t",
                                    "LastUsedAt:t",
                                    "live",
                                    "test",
                                    "full",
                                    "custom",
                                    "9xyz",
                                    "key_1",
                                    "",
                                    "contacts",
                                    "unauthorized",
                                    "forbidden",
                                    "../..",
                                    NULL};
static const struct vocabulary vocabulary = {signatures, words};

static void assert_key(const struct remote_key *key)
{
    g_autofree char *permissions = remote_key_permissions(key);

    fuzz_assert(key->id != NULL && *key->id != '\0' && key->name != NULL && key->last4 != NULL);
    fuzz_assert(key->permissions == NULL || g_strv_length(key->permissions) <= 64);
    fuzz_assert(!text_shows_key(key->id, NULL) && strlen(permissions) <= (size_t)64 * 65);
    fuzz_assert(text_is_word(key->id, TEXT_NAME_MAX) && text_is_printable(key->name));
    fuzz_assert(text_is_printable(permissions) && permissions_equal(key->permissions, key->permissions));
    if (key->type == ENVIRONMENT_COUNT)
        fuzz_assert(*key->name == '\0' && *key->last4 == '\0');
    else
        fuzz_assert(strlen(key->last4) == 4 && key->type < ENVIRONMENT_COUNT);
}

static void read_answer(sd_bus_message *m)
{
    struct answer answer;

    if (provider_read_answer(m, &answer) < 0)
        return;
    fuzz_assert(text_is_printable(answer.error) && text_is_printable(answer.request_id));
    fuzz_assert(text_is_printable(answer.message) && !text_shows_key(answer.message, NULL));
    fuzz_assert(answer_class(&answer) <= ANSWER_UNKNOWN && answer_verdict(&answer) <= VERDICT_UNKNOWN);
    if (answer_class(&answer) == ANSWER_UNSENT)
        fuzz_assert(!answer.sent);
    answer_clear(&answer);
}

static void read_key(sd_bus_message *m)
{
    struct remote_key key;

    if (provider_read_key(m, &key) < 0)
        return;
    assert_key(&key);
    remote_key_clear(&key);
}

static void read_keys(sd_bus_message *m)
{
    GArray *keys;

    if (provider_read_keys(m, &keys) < 0)
        return;
    for (guint i = 0; i < keys->len; i++)
        assert_key(&g_array_index(keys, struct remote_key, i));
    g_array_unref(keys);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(sd_bus_message * m) = {read_answer, read_key, read_keys};
    sd_bus_message *m = message_of_bytes(&vocabulary, data, size);

    for (size_t first = 0; m != NULL && first < G_N_ELEMENTS(readers); first++) {
        sd_bus_message_rewind(m, true);
        for (size_t i = 0; i < G_N_ELEMENTS(readers); i++)
            readers[(first + i) % G_N_ELEMENTS(readers)](m);
    }
    sd_bus_message_unref(m);
    return 0;
}
