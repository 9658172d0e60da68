/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn.conf: wherever it sends a key, that is a place where one may go. */
#include "tests/fuzz/fuzz.h"

#include "daemon/core/config.h"
#include "daemon/core/url.h"

static void assert_api(const struct api_settings *api)
{
    fuzz_assert(url_check_base(api->base_url, NULL));
    fuzz_assert(url_check_path(api->keys_path, false, NULL) && url_check_path(api->probe_path, true, NULL));
    fuzz_assert(strcmp(api->header, "X-API-Key") == 0 || strcmp(api->header, "Authorization") == 0);
    fuzz_assert(*api->ca_file == '\0' || *api->ca_file == '/');
    fuzz_assert(*api->proxy == '\0' || url_check_proxy(api->proxy, NULL));
    fuzz_assert(api->timeout >= USEC_PER_SEC && api->timeout <= 5 * USEC_PER_MINUTE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    struct config *config = config_parse("keyturn.conf", text, &error);

    fuzz_assert_outcome(config != NULL, error);
    for (int i = 0; config != NULL && i < ENVIRONMENT_COUNT; i++) {
        assert_api(&config->api[i]);
        fuzz_assert(!url_same_host(config->api[i].base_url, environment_base_url((enum environment) !i)));
    }
    config_free(config);
    return 0;
}
