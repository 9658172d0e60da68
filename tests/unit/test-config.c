/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn.conf: defaults, which section wins, and every refusal. */
#include "daemon/core/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/core/errors.h"
#include "daemon/core/url.h"

static void config_free_p(struct config **config)
{
    *config = config_free(*config);
}

#define _cleanup_config_ __attribute__((cleanup(config_free_p)))

static struct config *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct config *config = config_parse("keyturn.conf", text, &error);

    if (config == NULL)
        fail_msg("%s", error->message);
    return config;
}

static void assert_refused(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;

    assert_null(config_parse("k.conf", text, &error));
    assert_true(g_error_matches(error, KT_ERROR, KT_INVALID));
    if (!g_str_has_prefix(error->message, message))
        fail_msg("%s\nis not\n%s", error->message, message);
}

static void test_defaults(void **state)
{
    _cleanup_config_ struct config *config = parse("");

    assert_string_equal(config->api[ENVIRONMENT_LIVE].base_url, "https://api.huechat.ai/v2");
    assert_string_equal(config->api[ENVIRONMENT_TEST].base_url, "https://sandbox.huechat.ai/v2");
    for (int i = 0; i < ENVIRONMENT_COUNT; i++) {
        assert_string_equal(config->api[i].header, "X-API-Key");
        assert_string_equal(config->api[i].keys_path, "/api-keys");
        assert_string_equal(config->api[i].probe_path, "/contacts?limit=1");
        assert_string_equal(config->api[i].ca_file, "");
        assert_string_equal(config->api[i].proxy, "");
        assert_true(config->api[i].timeout == 10 * USEC_PER_SEC);
        assert_false(config->api[i].rotate_management_key);
    }
    assert_null(*config->extra_permissions);
}

/* An environment's own section wins, wherever it stands. */
static void test_sections(void **state)
{
    static const char *const texts[] = {
        "[API]\nTimeout=20s\nProxy=http://p.example:8080\n[API live]\nTimeout=1min\n",
        "[API live]\nTimeout=1min\n[API]\nTimeout=20s\nProxy=http://p.example:8080\n",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        _cleanup_config_ struct config *config = parse(texts[i]);
        assert_true(config->api[ENVIRONMENT_LIVE].timeout == USEC_PER_MINUTE);
        assert_true(config->api[ENVIRONMENT_TEST].timeout == 20 * USEC_PER_SEC);
        assert_string_equal(config->api[ENVIRONMENT_LIVE].proxy, "http://p.example:8080");
        assert_string_equal(config->api[ENVIRONMENT_TEST].proxy, "http://p.example:8080");
    }
}

static void test_everything(void **state)
{
    _cleanup_config_ struct config *config =
        parse("[API]\nExtraPermissions=billing:read; billing:write\nRotateManagementKey=yes\n"
              "[API test]\nBaseURL=http://127.0.0.1:8080/v2\nHeader=authorization\nKeysPath=/v3/keys\n"
              "ProbePath=/me\nCAFile=/etc/ssl/own.pem\nRotateManagementKey=off\nProxy=socks5h://[::1]:1080\n"
              "[API live]\nProxy=\n");
    const struct api_settings *test = &config->api[ENVIRONMENT_TEST];

    assert_int_equal(g_strv_length(config->extra_permissions), 2);
    assert_true(config->api[ENVIRONMENT_LIVE].rotate_management_key);
    assert_false(test->rotate_management_key);
    assert_string_equal(test->base_url, "http://127.0.0.1:8080/v2");
    assert_string_equal(test->header, "Authorization");
    assert_string_equal(test->keys_path, "/v3/keys");
    assert_string_equal(test->probe_path, "/me");
    assert_string_equal(test->ca_file, "/etc/ssl/own.pem");
    assert_string_equal(test->proxy, "socks5h://[::1]:1080");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"[Api]\n", "k.conf:1: no such section: there are [API], [API live] and [API test]"},
        {"[API]\nTimeout=5s\n[API prod]\nTimeout=5s\n", "k.conf:3: no such section: "},
        {"[API]\nBaseUrl=x\n", "k.conf:2: BaseUrl: no such setting: there are BaseURL Header "},
        {"[API live]\nExtraPermissions=a:b\n", "k.conf:2: ExtraPermissions: counts for both environments: "},
        {"[API]\nExtraPermissions=a b\n", "k.conf:2: ExtraPermissions: not a list of permissions: "},
        {"[API]\nTimeout=1s\nTimeout=2s\n", "k.conf:3: Timeout is in line 2 already: "},
        {"[API]\nTimeout=999ms\n", "k.conf:2: Timeout: no such timeout: write a span from 1s to 5min"},
        {"[API]\nTimeout=301s\n", "k.conf:2: Timeout: no such timeout: "},
        {"[API]\nTimeout=infinity\n", "k.conf:2: Timeout: no such timeout: "},
        {"[API]\nTimeout=\n", "k.conf:2: Timeout: no such timeout: "},
        {"[API]\nTimeout=5s # short\n",
         "k.conf:2: Timeout: no such timeout: write a span from 1s to 5min (comments"},
        {"[API]\nHeader=Cookie\n", "k.conf:2: Header: no such header: write X-API-Key or Authorization"},
        {"[API]\nCAFile=own.pem\n", "k.conf:2: CAFile: not a whole path: "},
        {"[API]\nRotateManagementKey=maybe\n", "k.conf:2: RotateManagementKey: neither yes nor no: "},
        {"[API]\nKeysPath=api-keys\n", "k.conf:2: KeysPath: no such path: "},
        {"[API]\nKeysPath=/api-keys?limit=1\n", "k.conf:2: KeysPath: no such path: "},
        {"[API]\nKeysPath=/api-keys/\n", "k.conf:2: KeysPath: no slash belongs at its end: "},
        {"[API]\nProbePath=/a b\n", "k.conf:2: ProbePath: no such path: "},
        {"[API]\nProxy=p.example:8080\n", "k.conf:2: Proxy: no such "},
        {"[API]\nProxy=ftp://p.example\n", "k.conf:2: Proxy: no such kind of proxy: "},
        {"[API]\nProxy=http://user:word@p.example\n", "k.conf:2: Proxy: no user or password belongs in it: "},
        {"[API test]\nBaseURL=https://api.huechat.ai/v2\n",
         "k.conf:2: BaseURL: that is where live keys go: "},
        {"[API live]\nBaseURL=https://Sandbox.HueChat.ai/v3\n",
         "k.conf:2: BaseURL: that is where test keys go: "},
        {"[API]\nBaseURL=https://api.huechat.ai/v2\n", "k.conf:2: BaseURL: that is where live keys go: "},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(cases[i].text, cases[i].message);
}

static void test_base_urls(void **state)
{
    static const char *const good[] = {"https://api.example",     "https://api.example:8443/v2",
                                       "http://127.0.0.1:8080",   "http://127.255.0.9/v2",
                                       "http://[::1]:8080/v2",    "http://localhost:1/v2",
                                       "https://[2001:db8::1]/v2"};
    static const char *const bad[] = {
        "",
        "api.example",
        "https://",
        "https:///v2",
        "https://api.example/",
        "https://api.example/v2/",
        "https://api.example/v2?",
        "https://api.example/v2?a=b",
        "https://api.example/v2#x",
        "https://user@api.example/v2",
        "https://user:word@api.example",
        "https://api.example/v 2",
        "https://api.example/\\v2",
        "https://api.example\\@127.0.0.1/v2",
        "https://api.example:port/v2",
        "https://api%2eexample/v2",
        "https://\xc3\xa4.example/v2",
        "ftp://127.0.0.1/v2",
        "file:///etc",
        "HTTP://api.example/v2",
        "http://api.example/v2",
        "http://128.0.0.1/v2",
        "http://127.1/v2",
        "http://2130706433/v2",
        "http://127.0.0.1.example/v2",
        "http://127.0.0.1@api.example/v2",
        "http://localhost.example/v2",
        "http://[::2]/v2",
        "http://[::ffff:127.0.0.1]/v2",
        "http://[::1%25eth0]/v2",
        "http://0.0.0.0/v2",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        if (!url_check_base(good[i], NULL))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (url_check_base(bad[i], NULL))
            fail_msg("%s is taken", bad[i]);
}

static void test_free_nothing(void **state)
{
    assert_null(config_free(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),   cmocka_unit_test(test_sections),
        cmocka_unit_test(test_everything), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_base_urls),  cmocka_unit_test(test_free_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
