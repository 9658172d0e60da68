/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever a server says: the readers of keyturn-huechat believe it in whole or not at all. The entry is
 * libFuzzer's; main.c stands in for it where there is none. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "daemon/helpers/huechat/contract.h"
#include "daemon/helpers/huechat/hints.h"
#include "daemon/util/text.h"

#define KEY_DOCUMENT                                                                                         \
    "{\"id\":\"key_1\",\"name\":\"crm [kt 7f3a9c21.1]\",\"type\":\"test\",\"access\":\"custom\","            \
    "\"permissions\":[\"contacts:read\"],\"last4\":\"9xyz\",\"created_at\":\"2026-11-23T10:00:00.25Z\","     \
    "\"last_used_at\":null,\"key\":\"sk_test_abcdef9xyz\"}"

const char *const fuzz_seeds[] = {
    KEY_DOCUMENT,
    "{\"data\":[" KEY_DOCUMENT "," KEY_DOCUMENT "],\"pagination\":{\"limit\":100,\"offset\":0,\"total\":2,"
    "\"has_more\":false}}",
    "{\"error\":\"rate_limited\",\"message\":\"Slow down, sk_live_abc\",\"code\":429,\"details\":{},"
    "\"request_id\":\"req_1\",\"timestamp\":\"2026-11-23T10:00:00Z\",\"retry_after\":30}",
    "Mon, 23 Nov 2026 10:00:00 GMT",
    "1795428060",
    "<html>sk_test_\xc3\xbc\\u202e</html>",
    NULL,
};

static void check(bool holds)
{
    if (!holds)
        g_error("The input was believed, and should not have been");
}

static void check_key(const struct key *key)
{
    check(text_is_word(key->id, CONTRACT_ID_MAX) && strlen(key->last4) == 4);
    check(!*key->name || text_is_name(key->name, SIZE_MAX));
    check(strcmp(key->type, "live") == 0 || strcmp(key->type, "test") == 0);
    check(strcmp(key->access, "full") == 0 || strcmp(key->access, "custom") == 0);
}

/* An entry that can't be read: its id, and not a letter more. */
static bool is_foreign(const struct key *key)
{
    return text_is_word(key->id, CONTRACT_ID_MAX) && !*key->name && !*key->type && !*key->access &&
           !*key->permissions && !*key->last4 && key->created_at == 0 && key->last_used_at == 0;
}

static void read_keys(const char *text, size_t size)
{
    struct listing listing = {};
    struct key key = {}, created = {};
    char *secret = NULL;
    const char *why;

    if (contract_read_key(text, size, &key, &why) == 0)
        check_key(&key);
    if (contract_read_created(text, size, &created, &secret, &why) == 0)
        check(text_is_word(secret, CONTRACT_SECRET_MAX));
    if (contract_read_listing(text, size, 0, &listing, &why) == 0)
        for (guint i = 0; i < listing.keys->len; i++)
            if (!is_foreign(listing.keys->pdata[i]))
                check_key(listing.keys->pdata[i]);
    g_free(secret);
    key_clear(&key);
    key_clear(&created);
    listing_clear(&listing);
}

static void read_fault(const char *text, size_t size)
{
    struct fault fault = {};
    const char *why;

    if (contract_read_fault(text, size, 429, &fault, &why) == 0)
        check(text_is_word(fault.error, CONTRACT_ID_MAX) && fault.message && fault.request_id);
    fault_clear(&fault);
    if (contract_read_data(text, size, &why) == 0)
        check(contract_read_object(text, size, &why) == 0);
}

static void read_words(const char *text)
{
    g_autofree char *line = text_line(text, "crm");
    struct http_reply reply = {.status = 429};

    check(!*line || text_is_name(line, SIZE_MAX));
    check(g_utf8_strlen(line, -1) <= TEXT_LINE_MAX && !text_shows_key(line, "crm"));
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++)
        reply.headers[i] = (char *)text;
    check(hints_read(&reply, 0).retry_after <= USEC_PER_DAY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    read_keys((const char *)data, size);
    read_fault((const char *)data, size);
    read_words(text);
    return 0;
}
