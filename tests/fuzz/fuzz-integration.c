/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An integration's file: what is accepted keeps the rules, and is the same once it was written and read. */
#include "tests/fuzz/fuzz.h"

#include "daemon/core/integration.h"

#define CENTURY (36500 * USEC_PER_DAY)

static void assert_limits(const struct integration *integration)
{
    fuzz_assert(integration_check(integration, NULL, NULL));
    fuzz_assert(integration->full_access == (*integration->permissions == NULL));
    fuzz_assert(integration->overlap >= USEC_PER_SEC && integration->overlap <= CENTURY);
    fuzz_assert(integration->rotate_after > 2 * integration->overlap);
    fuzz_assert(integration->max_overlap >= integration->overlap);
    fuzz_assert(integration_due_at(integration, 1) > integration->overlap);
}

static void assert_same(const struct integration *integration, const struct integration *again)
{
    fuzz_assert(integration_equal(integration, again));
    fuzz_assert(integration->environment == again->environment);
    fuzz_assert(integration->rotate_after == again->rotate_after);
    fuzz_assert(integration->max_overlap == again->max_overlap);
    fuzz_assert(integration->pipe_only == again->pipe_only);
    fuzz_assert(g_strv_equal((const char *const *)integration->allow, (const char *const *)again->allow));
    fuzz_assert(g_strv_equal((const char *const *)integration->restart_units,
                             (const char *const *)again->restart_units));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size), *written = NULL;
    g_autoptr(GError) error = NULL, second = NULL;
    _cleanup_integration_ struct integration *integration =
        integration_parse("crm", "crm.conf", text, NULL, &error);
    _cleanup_integration_ struct integration *again = NULL, *copy = NULL;

    fuzz_assert_outcome(integration != NULL, error);
    if (integration == NULL) {
        fuzz_assert(g_str_has_prefix(error->message, "crm.conf:"));
        return 0;
    }
    assert_limits(integration);
    written = integration_to_text(integration);
    again = integration_parse("crm", "crm.conf", written, NULL, &second);
    fuzz_assert(again != NULL);
    assert_same(integration, again);
    copy = integration_copy(integration);
    assert_same(integration, copy);
    return 0;
}
