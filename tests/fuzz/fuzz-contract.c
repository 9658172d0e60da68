/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whatever a server says: the readers of keyturn-huechat believe it in whole or not at all. */
#include "tests/fuzz/fuzz.h"

#include "daemon/helpers/huechat/contract.h"
#include "daemon/helpers/huechat/hints.h"
#include "daemon/helpers/huechat/times.h"
#include "daemon/util/text.h"

static void assert_key(const struct key *key)
{
    fuzz_assert(text_is_word(key->id, CONTRACT_ID_MAX) && strlen(key->last4) == 4);
    fuzz_assert(!*key->name || text_is_name(key->name, SIZE_MAX));
    fuzz_assert(strcmp(key->type, "live") == 0 || strcmp(key->type, "test") == 0);
    fuzz_assert(strcmp(key->access, "full") == 0 || strcmp(key->access, "custom") == 0);
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
        assert_key(&key);
    if (contract_read_created(text, size, &created, &secret, &why) == 0)
        fuzz_assert(text_is_word(secret, CONTRACT_SECRET_MAX));
    if (contract_read_listing(text, size, 100, 0, &listing, &why) == 0)
        for (guint i = 0; i < listing.keys->len; i++)
            if (!is_foreign(listing.keys->pdata[i]))
                assert_key(listing.keys->pdata[i]);
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
        fuzz_assert(text_is_word(fault.error, CONTRACT_ID_MAX) && fault.message && fault.request_id);
    fault_clear(&fault);
    if (contract_read_data(text, size, &why) == 0)
        fuzz_assert(contract_read_object(text, size, &why) == 0);
}

static void read_words(const char *text)
{
    g_autofree char *line = text_line(text, "crm");
    struct http_reply reply = {.status = 429};

    fuzz_assert(!*line || text_is_name(line, SIZE_MAX));
    fuzz_assert(g_utf8_strlen(line, -1) <= TEXT_LINE_MAX && !text_shows_key(line, "crm"));
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++)
        reply.headers[i] = (char *)text;
    fuzz_assert(hints_read(&reply, 0).retry_after <= USEC_PER_DAY);
}

/* A time with whole seconds is written as it was read. */
static void read_times(const char *text)
{
    g_autofree char *written = NULL;
    usec_t when = 7;

    if (times_parse_http(text, &when) < 0)
        fuzz_assert(when == 7);
    when = 7;
    if (times_parse_iso(text, &when) < 0) {
        fuzz_assert(when == 7);
        return;
    }
    written = clock_format(when);
    fuzz_assert(strncmp(written, text, strlen("2026-11-23T10:00:00")) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    read_keys((const char *)data, size);
    read_fault((const char *)data, size);
    read_words(text);
    read_times(text);
    return 0;
}
