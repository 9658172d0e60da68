/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Definitions: defaults, every refusal with its line, the round trip, and when a key is due. */
#include "daemon/core/integration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/core/errors.h"

#define HEAD "[Integration]\nPermissions=contacts:read\n"

static struct integration *parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct integration *integration = integration_parse("crm", "crm.conf", text, NULL, &error);

    if (integration == NULL)
        fail_msg("%s", error->message);
    return integration;
}

static void assert_refused(const char *text, const char *message)
{
    g_autoptr(GError) error = NULL;

    assert_null(integration_parse("crm", "crm.conf", text, NULL, &error));
    assert_true(g_error_matches(error, KT_ERROR, KT_INVALID));
    if (!g_str_has_prefix(error->message, message))
        fail_msg("%s\nis not\n%s", error->message, message);
}

static void test_names(void **state)
{
    static const char *const good[] = {"a", "0", "crm", "crm.eu-1_b", "9.."};
    static const char *const bad[] = {"",    "A",   "-a",       ".a",  "_a", "a b",
                                      "a/b", "a\n", "\xc3\xa4", "a;b", ".."};
    g_autofree char *longest = g_strnfill(64, 'a'), *too_long = g_strnfill(65, 'a');

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(integration_name_is_valid(good[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(integration_name_is_valid(bad[i]));
    assert_true(integration_name_is_valid(longest));
    assert_false(integration_name_is_valid(too_long));
}

static void test_defaults(void **state)
{
    _cleanup_integration_ struct integration *integration = parse(HEAD);

    assert_string_equal(integration->name, "crm");
    assert_int_equal(integration->environment, ENVIRONMENT_TEST);
    assert_false(integration->full_access);
    assert_int_equal(integration->managed_by, MANAGED_BY_API);
    assert_true(integration->rotate_after == 90 * USEC_PER_DAY);
    assert_true(integration->overlap == USEC_PER_DAY);
    assert_true(integration->max_overlap == 7 * USEC_PER_DAY);
    assert_false(integration->delete_if_still_used);
    assert_false(integration->pipe_only);
    assert_null(*integration->allow);
    assert_null(*integration->start_units);
}

static const char everything[] = "[Integration]\nEnvironment=live\nAccess=custom\n"
                                 "Permissions=contacts:read; contacts:write;contacts:read\n"
                                 "Management=dashboard\nRotateAfter=2w\nOverlap=36h\nMaxOverlap=infinity\n"
                                 "OnStillUsed=delete\nAllow=unit:crm.service+user:alice;group:staff\n"
                                 "Delivery=pipe\nReloadUnits=crm.service\nRestartUnits=a@b.service;b.timer\n"
                                 "StartUnits=foo\\x2dbar.service\n";

static void test_everything(void **state)
{
    _cleanup_integration_ struct integration *integration = parse(everything);

    assert_int_equal(integration->environment, ENVIRONMENT_LIVE);
    assert_int_equal(g_strv_length(integration->permissions), 2);
    assert_int_equal(integration->managed_by, MANAGED_BY_DASHBOARD);
    assert_true(integration->rotate_after == 14 * USEC_PER_DAY);
    assert_true(integration->overlap == 36 * USEC_PER_HOUR);
    assert_true(integration->max_overlap == USEC_INFINITY);
    assert_true(integration->delete_if_still_used);
    assert_true(integration->pipe_only);
    assert_int_equal(g_strv_length(integration->allow), 2);
    assert_string_equal(integration->allow[1], "group:staff");
    assert_string_equal(integration->restart_units[1], "b.timer");
    assert_string_equal(integration->start_units[0], "foo\\x2dbar.service");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "crm.conf:1: Permissions: custom access needs at least one: "},
        {"\n[Integration]\n", "crm.conf:2: Permissions: custom access needs at least one: "},
        {"[Integration]\nAccess=full\nPermissions=admin:read\n",
         "crm.conf:3: Permissions: full access has them "},
        {HEAD "Colour=red\n",
         "crm.conf:3: \"Colour\": no such setting: there are Environment Access Permissions "},
        {HEAD "environment=test\n", "crm.conf:3: \"environment\": no such setting: "},
        {HEAD "[Other]\n", "crm.conf:3: no such section: all settings stand in [Integration]"},
        {"[Other]\nAccess=full\n", "crm.conf:1: no such section: "},
        {HEAD "Environment=prod\n", "crm.conf:3: Environment: can't be \"prod\": write live or test"},
        {HEAD "Environment=\n", "crm.conf:3: Environment: can't be \"\": write live or test"},
        {HEAD "Environment=sk_live_abcdefgh\n", "crm.conf:3: Environment: can't be (a key): "},
        {HEAD "Access=Full\n", "crm.conf:3: Access: can't be \"Full\": write custom or full"},
        {HEAD "Management=none\n", "crm.conf:3: Management: can't be \"none\": write api or dashboard"},
        {HEAD "OnStillUsed=keep\n", "crm.conf:3: OnStillUsed: can't be \"keep\": write hold or delete"},
        {HEAD "Delivery=fd\n", "crm.conf:3: Delivery: can't be \"fd\": write any or pipe"},
        {HEAD "RotateAfter=soon\n",
         "crm.conf:3: RotateAfter: \"soon\" is no span of time: write one such as "},
        {HEAD "RotateAfter=-1d\n", "crm.conf:3: RotateAfter: \"-1d\" is no span"},
        {HEAD "RotateAfter=48h\n", "crm.conf:3: RotateAfter: has to be more than twice Overlap: "},
        {HEAD "Overlap=45d\n", "crm.conf:1: RotateAfter: has to be more than twice Overlap: "},
        {HEAD "RotateAfter=40000d\n", "crm.conf:3: RotateAfter: out of range: "},
        {HEAD "Overlap=999ms\n", "crm.conf:3: Overlap: out of range: "},
        {HEAD "Overlap=0\n", "crm.conf:3: Overlap: out of range: "},
        {HEAD "RotateAfter=infinity\nOverlap=infinity\n", "crm.conf:4: Overlap: out of range: "},
        {HEAD "MaxOverlap=1h\n", "crm.conf:3: MaxOverlap: is less than Overlap: "},
        {HEAD "MaxOverlap=7d\nOverlap=8d\n", "crm.conf:3: MaxOverlap: is less than Overlap: "},
        {HEAD "Allow=unit:a.service;exec:/bin/sh\n",
         "crm.conf:3: Allow: \"exec:/bin/sh\": no such rule: write any, "},
        {HEAD "ReloadUnits=crm\n", "crm.conf:3: ReloadUnits: \"crm\": no unit can be called so: "},
        {HEAD "RestartUnits=a.service b.service\n",
         "crm.conf:3: RestartUnits: \"a.service b.service\": no unit "},
        {HEAD "StartUnits=hook@.service\n", "crm.conf:3: StartUnits: \"hook@.service\": no unit "},
        {HEAD "Overlap=1h\nOverlap=2h\n", "crm.conf:4: Overlap is in line 3 already: keep one of the two"},
        {"[Integration]\nPermissions=contacts:read;contacts:delete\n",
         "crm.conf:2: Permissions: HueChat has no \"contacts:delete\": there are contacts:read "
         "contacts:write "
         "conversations:read conversations:write channels:read channels:write webhooks:manage admin:read "
         "admin:write; a newer one"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_refused(cases[i].text, cases[i].message);
    assert_refused(
        HEAD "Overlap=24h # a day\n",
        "crm.conf:3: Overlap: \"24h # a day\" is no span of time: write one such as 5s, 10min, 24h, "
        "90d or infinity (comments stand on lines of their own)");
}

static void test_extra_permissions(void **state)
{
    char *extra[] = {(char *)"billing:read", NULL};
    g_autoptr(GError) error = NULL;
    _cleanup_integration_ struct integration *integration = integration_parse(
        "crm", "crm.conf", "[Integration]\nPermissions=billing:read;admin:read\n", extra, &error);

    assert_non_null(integration);
    assert_true(integration_check(integration, extra, NULL));
    assert_false(integration_check(integration, NULL, NULL));
    assert_null(
        integration_parse("crm", "crm.conf", "[Integration]\nPermissions=billing:write\n", extra, &error));
    assert_non_null(strstr(error->message, "admin:write billing:read;"));
}

static void test_spans_that_fit(void **state)
{
    static const struct {
        const char *text;
        usec_t max_overlap;
    } cases[] = {
        {HEAD "Overlap=8d\n", 8 * USEC_PER_DAY},
        {HEAD "Overlap=8d\nMaxOverlap=8d\n", 8 * USEC_PER_DAY},
        {HEAD "MaxOverlap=9d\nOverlap=8d\n", 9 * USEC_PER_DAY},
        {HEAD "Overlap=1s\nRotateAfter=2001ms\n", 7 * USEC_PER_DAY},
        {HEAD "MaxOverlap=24h\n", USEC_PER_DAY},
        {HEAD "RotateAfter=infinity\n", 7 * USEC_PER_DAY},
        {HEAD "RotateAfter=infinity\nOverlap=36500d\n", 36500 * USEC_PER_DAY},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        _cleanup_integration_ struct integration *integration = parse(cases[i].text);
        assert_true(integration->max_overlap == cases[i].max_overlap);
    }
}

/* The default of MaxOverlap follows Overlap down again, and leaves a given one alone. */
static void test_max_overlap_follows(void **state)
{
    _cleanup_integration_ struct integration *integration = integration_new("crm");

    assert_true(integration_set(integration, "Overlap", "10d", NULL));
    assert_true(integration->max_overlap == 10 * USEC_PER_DAY);
    assert_true(integration_set(integration, "Overlap", "1d", NULL));
    assert_true(integration->max_overlap == 7 * USEC_PER_DAY);
    assert_true(integration_set(integration, "MaxOverlap", "2d", NULL));
    assert_true(integration_set(integration, "Overlap", "3d", NULL));
    assert_true(integration->max_overlap == 2 * USEC_PER_DAY);
}

static void test_failed_set_changes_nothing(void **state)
{
    _cleanup_integration_ struct integration *integration = parse(everything);
    _cleanup_integration_ struct integration *before = integration_copy(integration);

    assert_false(integration_set(integration, "Environment", "x", NULL));
    assert_false(integration_set(integration, "Overlap", "x", NULL));
    assert_false(integration_set(integration, "Allow", "user:bob;x", NULL));
    assert_false(integration_set(integration, "StartUnits", "a.service;x", NULL));
    assert_false(integration_set(integration, "Issue", "yes", NULL));
    assert_true(integration_equal(integration, before));
}

static void test_round_trip(void **state)
{
    static const char *const texts[] = {HEAD, everything, "[Integration]\nAccess=full\nEnvironment=live\n",
                                        HEAD "Overlap=9d\nRotateAfter=infinity\n",
                                        HEAD "Overlap=1h 30min 5s\nAllow=any\n"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        _cleanup_integration_ struct integration *first = parse(texts[i]), *second = NULL;
        g_autofree char *text = integration_to_text(first), *again = NULL;

        second = parse(text);
        again = integration_to_text(second);
        assert_string_equal(text, again);
        assert_true(integration_equal(first, second));
        assert_true(first->rotate_after == second->rotate_after && first->overlap == second->overlap &&
                    first->max_overlap == second->max_overlap);
        assert_true(g_strv_equal((const char *const *)first->allow, (const char *const *)second->allow));
        assert_true(
            g_strv_equal((const char *const *)first->permissions, (const char *const *)second->permissions));
        integration_free(second);
        second = NULL;
    }
}

static void test_text(void **state)
{
    _cleanup_integration_ struct integration *integration = parse(HEAD);
    g_autofree char *text = integration_to_text(integration);
    static const char *const written[] = {
        "\nEnvironment=test\n", "\nAccess=custom\n",    "\nPermissions=contacts:read\n",
        "\nManagement=api\n",   "\nRotateAfter=90d\n",  "\nOverlap=1d\n",
        "\nMaxOverlap=7d\n",    "\nOnStillUsed=hold\n", "\nAllow=\n",
        "\nDelivery=any\n"};

    assert_true(g_str_has_prefix(text, "# "));
    for (size_t i = 0; i < G_N_ELEMENTS(written); i++)
        assert_non_null(strstr(text, written[i]));
    assert_null(strstr(text, "Units"));
    assert_true(integration_set(integration, "Access", "full", NULL));
    assert_true(integration_set(integration, "Permissions", "", NULL));
    g_free(text);
    text = integration_to_text(integration);
    assert_null(strstr(text, "Permissions"));
}

static void test_get(void **state)
{
    static const struct {
        const char *key, *value;
    } cases[] = {
        {"Environment", "live"},
        {"Access", "custom"},
        {"Management", "dashboard"},
        {"Permissions", "contacts:read;contacts:write"},
        {"RotateAfter", "14d"},
        {"Overlap", "1d 12h"},
        {"MaxOverlap", "infinity"},
        {"OnStillUsed", "delete"},
        {"Delivery", "pipe"},
        {"Allow", "unit:crm.service+user:alice;group:staff"},
        {"ReloadUnits", "crm.service"},
        {"RestartUnits", "a@b.service;b.timer"},
        {"StartUnits", "foo\\x2dbar.service"},
    };
    _cleanup_integration_ struct integration *integration = parse(everything);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *value = integration_get(integration, cases[i].key);
        assert_string_equal(value, cases[i].value);
        assert_true(integration_set(integration, cases[i].key, value, NULL));
    }
    assert_null(integration_get(integration, "Colour"));
}

static void test_copy_and_equal(void **state)
{
    _cleanup_integration_ struct integration *integration = parse(everything);
    _cleanup_integration_ struct integration *copy = integration_copy(integration);

    assert_true(integration_equal(integration, copy));
    assert_true(integration_set(copy, "Allow", "any", NULL));
    assert_false(integration_equal(integration, copy));
    assert_int_equal(g_strv_length(integration->allow), 2);
    assert_null(integration_free(NULL));
}

static void test_drop_units(void **state)
{
    _cleanup_integration_ struct integration *integration = integration_new("crm");
    g_autofree char *none = integration_drop_units(integration), *dropped = NULL, *again = NULL;

    assert_null(none);
    assert_false(integration_has_units(integration));
    assert_true(integration_set(integration, "StartUnits", "a.service;b.service", NULL));
    assert_true(integration_set(integration, "ReloadUnits", "c.service", NULL));
    assert_true(integration_has_units(integration));
    dropped = integration_drop_units(integration);
    assert_string_equal(dropped, "ReloadUnits=c.service StartUnits=a.service;b.service");
    assert_false(integration_has_units(integration));
    again = integration_drop_units(integration);
    assert_null(again);
}

static void join_setting(const char *key, const char *value, bool is_list, void *userdata)
{
    g_string_append_printf(userdata, "%s%s=%s|", key, is_list ? "[]" : "", value);
}

static void test_each_setting(void **state)
{
    _cleanup_integration_ struct integration *integration = integration_new("crm");
    g_autoptr(GString) all = g_string_new(NULL);

    integration->full_access = true;
    assert_true(integration_set(integration, "Allow", "any;user:root", NULL));
    integration_each_setting(integration, join_setting, all);
    assert_string_equal(
        all->str, "Environment=test|Access=full|Management=api|RotateAfter=90d|Overlap=1d|MaxOverlap=7d|"
                  "OnStillUsed=hold|Allow[]=any;user:root|Delivery=any|");
}

static void test_due(void **state)
{
    const usec_t created = 1767225600 * USEC_PER_SEC, latest = created + 89 * USEC_PER_DAY;
    usec_t first = 0;
    bool spread = false;

    for (int i = 0; i < 200; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);
        _cleanup_integration_ struct integration *integration = integration_new(name);
        usec_t due = integration_due_at(integration, created);

        assert_true(due <= latest && due >= latest - USEC_PER_DAY / 10);
        assert_true(due == integration_due_at(integration, created));
        first = first == 0 ? due : first;
        spread = spread || due > first + USEC_PER_HOUR || due + USEC_PER_HOUR < first;
        integration->rotate_after = USEC_INFINITY;
        assert_true(integration_due_at(integration, created) == USEC_INFINITY);
    }
    assert_true(spread);
}

/* The jitter is part of what people see as the due date: it must not move between versions. */
static void test_due_is_stable(void **state)
{
    _cleanup_integration_ struct integration *integration = integration_new("crm");
    usec_t jitter = UINT64_C(0xf5a2ee190cae94b7) % (USEC_PER_DAY / 10 + 1);

    assert_true(integration_due_at(integration, 0) == 89 * USEC_PER_DAY - jitter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_extra_permissions),
        cmocka_unit_test(test_spans_that_fit),
        cmocka_unit_test(test_max_overlap_follows),
        cmocka_unit_test(test_failed_set_changes_nothing),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_copy_and_equal),
        cmocka_unit_test(test_drop_units),
        cmocka_unit_test(test_each_setting),
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_due_is_stable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
