/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A provider that does as the id, or the base URL, tells it, and the queue of one environment before it. What
 * it was asked is a line each in a file of the folder. */
#pragma once

#include "tests/unit/fake.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/io/provider.h"

#define SECRET "sk_test_0123456789xyz"

/* The helper's side */

static void note_call(const char *format, ...) G_GNUC_PRINTF(1, 2);

static void note_call(const char *format, ...)
{
    FILE *calls = fopen("calls", "ae");
    va_list arguments;

    va_start(arguments, format);
    vfprintf(calls, format, arguments);
    va_end(arguments);
    fputc('\n', calls);
    fclose(calls);
}

/* Reads api and a key. */
static void read_head(sd_bus_message *m, char **ret_url)
{
    const char *name, *text, *key;

    sd_bus_message_enter_container(m, 'a', "{sv}");
    while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
        sd_bus_message_read(m, "s", &name);
        if (g_str_equal(name, "BaseURL")) {
            sd_bus_message_read(m, "v", "s", &text);
            *ret_url = g_strdup(text);
        } else
            sd_bus_message_skip(m, "v");
        sd_bus_message_exit_container(m);
    }
    sd_bus_message_exit_container(m);
    sd_bus_message_read(m, "s", &key);
    if (!g_str_equal(key, SECRET))
        note_call("another key!");
}

static sd_bus_message *reply_to(sd_bus_message *m, unsigned status, const char *error)
{
    sd_bus_message *reply;

    sd_bus_message_new_method_return(m, &reply);
    sd_bus_message_append(reply, "a{sv}", 12, "Status", "u", status, "Sent", "b", 1, "Complete", "b", 1,
                          "Error", "s", error, "Message", "s",
                          status == 418 ? "\x1b[2J\nsk_live_1 \xc2\x9b" : "some words", "RequestId", "s",
                          "req_1", "Date", "t", UINT64_C(5000000), "RetryAfter", "t",
                          status == 429 ? UINT64_C(1200000) : UINT64_C(0), "RateLimit", "x", INT64_C(100),
                          "RateRemaining", "x", status == 299 ? INT64_C(3) : INT64_C(50), "RateReset", "x",
                          INT64_C(6), "Further", "as", 1, "to be passed over");
    return reply;
}

static int append_key(sd_bus_message *reply, const char *id)
{
    return sd_bus_message_append(reply, "a{sv}", 8, "Id", "s", id, "Name", "s", "crm [kt 7f3a9c21.1]", "Type",
                                 "s", "test", "Access", "s", "custom", "Permissions", "as", 2,
                                 "contacts:read", "contacts:write", "Last4", "s", "9xyz", "CreatedAt", "t",
                                 UINT64_C(77), "LastUsedAt", "t", UINT64_C(0));
}

/* A key that is well-formed, and too much. */
static int append_large(sd_bus_message *reply, const char *id)
{
    g_autofree char *word = g_strnfill(g_str_equal(id, "long-word") ? 65 : 64, 'x'),
                    *name = g_strnfill(g_str_equal(id, "long-name") ? 17000 : 0, 'n');
    g_auto(GStrv) words = g_new0(char *, 66);

    for (unsigned i = 0; i < (g_str_equal(id, "many-words") ? 65u : 64u); i++)
        words[i] = g_strdup(i == 1 ? "contacts:write" : word);
    sd_bus_message_open_container(reply, 'a', "{sv}");
    sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}", "Id", "s", id, "Name", "s",
                          *name ? name : "crm [kt 7f3a9c21.1]", "Type", "s", "test", "Access", "s", "custom");
    sd_bus_message_open_container(reply, 'e', "sv");
    sd_bus_message_append(reply, "s", "Permissions");
    sd_bus_message_open_container(reply, 'v', "as");
    sd_bus_message_append_strv(reply, words);
    sd_bus_message_close_container(reply);
    sd_bus_message_close_container(reply);
    sd_bus_message_append(reply, "{sv}{sv}{sv}", "Last4", "s", "9xyz", "CreatedAt", "t", UINT64_C(77),
                          "LastUsedAt", "t", UINT64_C(0));
    return sd_bus_message_close_container(reply);
}

static int send_off(sd_bus_message *reply)
{
    int r = sd_bus_send(NULL, reply, NULL);

    sd_bus_message_unref(reply);
    return r;
}

static int method_create(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    const char *name, *type, *access, *idempotency;
    g_auto(GStrv) permissions = NULL;
    g_autofree char *url = NULL, *list = NULL;
    sd_bus_message *reply = reply_to(m, 201, "");

    read_head(m, &url);
    sd_bus_message_read(m, "sss", &name, &type, &access);
    sd_bus_message_read_strv(m, &permissions);
    sd_bus_message_read(m, "s", &idempotency);
    list = g_strjoinv(";", permissions);
    note_call("create %s %s %s %s %s", name, type, access, list, idempotency);
    if (g_str_equal(name, "keyless"))
        sd_bus_message_append(reply, "a{sv}", 0);
    else
        append_key(reply, "key_1");
    sd_bus_message_append(reply, "s", g_str_equal(name, "malformed") ? "not a key" : SECRET);
    return send_off(reply);
}

/* URL: list/TOTAL, keys key_OFFSET and on; list/change, list/limited on the second page. */
static int method_list(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *url = NULL;
    sd_bus_message *reply;
    uint32_t limit, offset;
    uint64_t total;
    bool limited;

    read_head(m, &url);
    sd_bus_message_read(m, "uu", &limit, &offset);
    note_call("list %u %u", limit, offset);
    total = g_str_has_suffix(url, "change") ? 150 - offset / 100 : 230;
    limited = g_str_has_suffix(url, "limited") && offset == 100;
    reply = reply_to(m, limited ? 429 : 200, limited ? "rate_limited" : "");
    sd_bus_message_open_container(reply, 'a', "a{sv}");
    for (uint64_t i = offset; !limited && i < MIN(total, offset + limit); i++) {
        g_autofree char *id = g_strdup_printf("key_%u", (unsigned)i);

        append_key(reply, id);
    }
    sd_bus_message_close_container(reply);
    sd_bus_message_append(reply, "tb", limited ? 0 : total, !limited && offset + limit < total);
    return send_off(reply);
}

static int method_get(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *url = NULL;
    sd_bus_message *reply;
    const char *id;

    read_head(m, &url);
    sd_bus_message_read(m, "s", &id);
    note_call("get %s %s", id, url);
    if (g_str_equal(id, "die"))
        _exit(1);
    if (g_str_equal(id, "hang"))
        pause();
    if (g_str_equal(id, "senseless"))
        return sd_bus_reply_method_errorf(m, KT_ERROR_INVALID_ARGS, "no sense\x1b[2J");
    if (g_str_equal(id, "nonsense"))
        return sd_bus_reply_method_return(m, "a{sv}a{sv}", 1, "Status", "u", 200, 0);
    if (g_str_equal(id, "absent"))
        reply = reply_to(m, 404, "not_found");
    else if (g_str_equal(id, "limited"))
        reply = reply_to(m, 429, "rate_limited");
    else if (g_str_equal(id, "odd"))
        reply = reply_to(m, 418, "\x1b[2J");
    else
        reply = reply_to(m, g_str_equal(id, "scarce") ? 299 : 200, "");
    if (g_str_equal(id, "absent") || g_str_equal(id, "limited") || g_str_equal(id, "keyless"))
        sd_bus_message_append(reply, "a{sv}", 0);
    else if (strchr(id, '-') != NULL)
        append_large(reply, id);
    else
        append_key(reply, id);
    return send_off(reply);
}

static int method_delete(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *url = NULL;
    const char *id;

    read_head(m, &url);
    sd_bus_message_read(m, "s", &id);
    note_call("delete %s", id);
    return send_off(reply_to(m, 204, ""));
}

static int method_probe(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *url = NULL;

    read_head(m, &url);
    note_call("probe");
    return send_off(reply_to(m, 401, "unauthorized"));
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Create", "a{sv}ssssass", "a{sv}a{sv}s", method_create, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("List", "a{sv}suu", "a{sv}aa{sv}tb", method_list, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Get", "a{sv}ss", "a{sv}a{sv}", method_get, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Delete", "a{sv}ss", "a{sv}", method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Probe", "a{sv}s", "a{sv}", method_probe, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* The daemon's side */

struct fixture {
    sd_event *event;
    struct provider *provider;
    struct secret *key;
    struct api_settings settings;
    char *folder, *before;
};

struct outcome {
    unsigned n, order; /* order: of the answers of one test, from 1 */
    unsigned *counter;
    struct answer answer;
    char message[128], error[32], secret[64], last_id[32];
    bool malformed, counts;
    size_t n_keys;
    struct fixture *free_it; /* from the callback, or from the hook */
    bool refuse;
    unsigned hooks;
};

static void on_done(struct provider_result *result, void *userdata)
{
    struct outcome *outcome = userdata;

    outcome->n++;
    outcome->answer = result->answer;
    if (outcome->counter != NULL)
        outcome->order = ++*outcome->counter;
    g_strlcpy(outcome->message, result->answer.message, sizeof outcome->message);
    g_strlcpy(outcome->error, result->answer.error != NULL ? result->answer.error : "",
              sizeof outcome->error);
    if (result->secret != NULL)
        g_strlcpy(outcome->secret, secret_text(result->secret), sizeof outcome->secret);
    if (result->key.id != NULL) {
        g_strlcpy(outcome->last_id, result->key.id, sizeof outcome->last_id);
        assert_string_equal(result->key.name, "crm [kt 7f3a9c21.1]");
        assert_string_equal(result->key.permissions[1], "contacts:write");
        assert_int_equal(result->key.created_at, 77);
    }
    outcome->malformed = result->malformed_secret;
    outcome->counts = result->counts;
    outcome->n_keys = result->n_keys;
    if (result->n_keys > 0)
        g_strlcpy(outcome->last_id, result->keys[result->n_keys - 1].id, sizeof outcome->last_id);
    if (outcome->free_it != NULL)
        outcome->free_it->provider = provider_free(outcome->free_it->provider);
}

static bool on_sending(void *userdata)
{
    struct outcome *outcome = userdata;
    struct fixture *free_it = g_steal_pointer(&outcome->free_it);

    outcome->hooks++;
    if (free_it != NULL) {
        free_it->provider = provider_free(free_it->provider);
        assert_int_equal(outcome->n, 1);
    }
    return !outcome->refuse;
}

static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->folder = g_dir_make_tmp("kt-provider-XXXXXX", NULL);
    f->before = g_get_current_dir();
    f->event = loop_new();
    f->key = secret_new(SECRET, strlen(SECRET));
    f->settings = (struct api_settings){.base_url = (char *)"http://127.0.0.1/a",
                                        .header = (char *)"X-API-Key",
                                        .keys_path = (char *)"/api-keys",
                                        .probe_path = (char *)"/contacts?limit=1",
                                        .ca_file = (char *)"",
                                        .proxy = (char *)"",
                                        .timeout = 10 * USEC_PER_SEC};
    f->provider = provider_new(f->event, "/proc/self/exe", &f->settings);
    *state = f;
    return f->provider == NULL || chdir(f->folder) < 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    provider_free(f->provider);
    loop_for(f->event, 20 * USEC_PER_MSEC);
    sd_event_unref(f->event);
    secret_free(f->key);
    unlink("calls");
    if (chdir(f->before) < 0 || rmdir(f->folder) < 0)
        return -1;
    g_free(f->folder);
    g_free(f->before);
    g_free(f);
    return 0;
}

static inline void assert_calls(const char *expected)
{
    g_autofree char *calls = NULL;

    if (!g_file_get_contents("calls", &calls, NULL, NULL))
        calls = g_strdup("");
    assert_string_equal(calls, expected);
    unlink("calls");
}

static inline void get(struct fixture *f, enum provider_priority priority, const char *id,
                       struct outcome *outcome)
{
    provider_get(f->provider, priority, f->key, id, on_done, outcome);
    assert_int_equal(outcome->n, 0);
}

static inline void create(struct fixture *f, const char *name, struct outcome *outcome)
{
    const struct provider_create arguments = {
        .name = name,
        .type = ENVIRONMENT_TEST,
        .permissions = (char *[]){(char *)"contacts:read", (char *)"contacts:write", NULL},
        .idempotency_key = "idem"};

    provider_create(f->provider, PRIORITY_PERSON, f->key, &arguments, on_sending, on_done, outcome);
    assert_int_equal(outcome->hooks, 0);
}

static inline void expect(struct fixture *f, struct outcome *outcome, bool sent, unsigned status,
                          const char *message)
{
    loop_until(f->event, &outcome->n, 1);
    assert_int_equal(outcome->answer.sent, sent);
    assert_int_equal(outcome->answer.status, status);
    assert_string_equal(outcome->message, message);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
