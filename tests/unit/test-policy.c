/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may: each rule, the strength of each decision, and that the order of rules means nothing. */
#include "daemon/core/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/core/errors.h"

#define UNKNOWN ((uid_t)-1)

static char *const groups[] = {(char *)"alice", (char *)"staff", NULL};
static const struct policy_setting user_mode = {false, 1000}, system_mode = {true, 0};

/* alice's crm.service, as a system bus tells it. */
static const struct subject alice = {1000, "alice", groups, "crm.service", true};

static struct decision decide(const char *rules, const struct subject *subject,
                              const struct policy_setting *setting)
{
    g_auto(GStrv) allow = g_strsplit(rules, ";", -1);

    return policy_decide(allow, subject, setting);
}

static void assert_decision(const char *rules, const struct subject *subject,
                            const struct policy_setting *setting, bool allowed, enum strength strength)
{
    struct decision decision = decide(rules, subject, setting);

    if (decision.allowed != allowed || decision.strength != strength)
        fail_msg("%s: %s, %s (%s)", rules, decision.allowed ? "allowed" : "refused",
                 strength_name(decision.strength), decision.rule);
    decision_clear(&decision);
}

static void test_rules(void **state)
{
    static const char *const good[] = {"any",
                                       "user:alice",
                                       "user:1000",
                                       "user:0",
                                       "user:AD\\alice",
                                       "group:staff",
                                       "user:alice@ad.example",
                                       "unit:crm.service",
                                       "unit:a@b.service",
                                       "unit:app-x.scope",
                                       "unit:crm.service+user:alice",
                                       "user:a+group:b+unit:c.service",
                                       "any+user:alice"};
    static const char *const bad[] = {"",
                                      "+",
                                      "any+",
                                      "+any",
                                      "Any",
                                      "ANY",
                                      "anything",
                                      "user",
                                      "user:",
                                      "user: alice",
                                      "user:alice ",
                                      "user:a:b",
                                      "user:-1",
                                      "user:4294967295",
                                      "user:4294967296",
                                      "user:99999999999999999999",
                                      "group:",
                                      "group:10",
                                      "unit:",
                                      "unit:crm",
                                      "unit:*.service",
                                      "unit:crm@.service",
                                      "unit:.service",
                                      "unit:@a.service",
                                      "exec:/bin/sh",
                                      "user:alice++any",
                                      "user:alice;any",
                                      "user:a\nb",
                                      "uid:1000",
                                      "!user:alice",
                                      " any"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        if (!policy_rule_check(good[i], NULL))
            fail_msg("\"%s\" is refused", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        if (policy_rule_check(bad[i], &error))
            fail_msg("\"%s\" is taken", bad[i]);
        assert_true(g_error_matches(error, KT_ERROR, KT_INVALID));
    }
}

static void test_unit_names(void **state)
{
    static const char *const good[] = {"a.service",     "a.b.service",  "a@b@c.service",
                                       "a\\x2db.timer", "a:b_c-d.path", "user@1000.service",
                                       "x.target",      "x.socket",     "x.mount"};
    static const char *const bad[] = {"",
                                      "a",
                                      "service",
                                      ".service",
                                      "a.conf",
                                      "a.Service",
                                      "a b.service",
                                      "a/b.service",
                                      "a@.service",
                                      "@a.service",
                                      "a+b.service",
                                      "a.service\n",
                                      "\xc3\xa4.service",
                                      "a.service.d"};
    g_autofree char *stem = g_strnfill(247, 'a');
    g_autofree char *longest = g_strconcat(stem, ".service", NULL), *longer = g_strconcat("a", longest, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        if (!unit_name_is_valid(good[i]))
            fail_msg("\"%s\" is refused", good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (unit_name_is_valid(bad[i]))
            fail_msg("\"%s\" is taken", bad[i]);
    assert_true(unit_name_is_valid(longest));
    assert_false(unit_name_is_valid(longer));
}

static void test_without_rules(void **state)
{
    static const struct subject other = {1001, "bob", groups, NULL, false},
                                root = {0, "root", groups, NULL, true};
    static const struct subject unknown = {UNKNOWN, NULL, NULL, "crm.service", true};

    assert_decision("", &alice, &user_mode, true, STRENGTH_STRONG);
    assert_decision("", &other, &user_mode, false, STRENGTH_STRONG);
    assert_decision("", &root, &user_mode, false, STRENGTH_STRONG);
    assert_decision("", &unknown, &user_mode, false, STRENGTH_ADVISORY);
    assert_decision("", &alice, &system_mode, false, STRENGTH_STRONG);
    assert_decision("", &root, &system_mode, false, STRENGTH_STRONG);
}

static void test_no_list(void **state)
{
    struct decision decision = policy_decide(NULL, &alice, &user_mode);

    assert_true(decision.allowed);
    assert_non_null(strstr(decision.rule, "no rule"));
    decision_clear(&decision);
    assert_null(decision.rule);
}

static void test_root_needs_a_rule(void **state)
{
    static const struct subject root = {0, "root", groups, NULL, true};

    assert_decision("user:alice", &root, &system_mode, false, STRENGTH_STRONG);
    assert_decision("user:root", &root, &system_mode, true, STRENGTH_STRONG);
    assert_decision("user:0", &root, &system_mode, true, STRENGTH_STRONG);
}

static void test_each_kind(void **state)
{
    static const struct subject weak = {1000, "alice", groups, "crm.service", false};

    for (int i = 0; i < 2; i++) {
        const struct policy_setting *setting = i == 0 ? &user_mode : &system_mode;

        assert_decision("any", &alice, setting, true, STRENGTH_STRONG);
        assert_decision("user:alice", &alice, setting, true, STRENGTH_STRONG);
        assert_decision("user:1000", &alice, setting, true, STRENGTH_STRONG);
        assert_decision("user:01000", &alice, setting, true, STRENGTH_STRONG);
        assert_decision("user:100", &alice, setting, false, STRENGTH_STRONG);
        assert_decision("user:Alice", &alice, setting, false, STRENGTH_STRONG);
        assert_decision("group:staff", &alice, setting, true, STRENGTH_STRONG);
        assert_decision("group:sta", &alice, setting, false, STRENGTH_STRONG);
        assert_decision("unit:crm.service", &alice, setting, true, STRENGTH_STRONG);
        assert_decision("unit:crm.service", &weak, setting, true, STRENGTH_ADVISORY);
        assert_decision("unit:crm2.service", &alice, setting, false, STRENGTH_STRONG);
        assert_decision("unit:crm2.service", &weak, setting, false, STRENGTH_ADVISORY);
    }
}

static void test_and(void **state)
{
    static const struct subject weak = {1000, "alice", groups, "crm.service", false};

    assert_decision("unit:crm.service+user:alice", &alice, &system_mode, true, STRENGTH_STRONG);
    assert_decision("unit:crm.service+user:alice", &weak, &system_mode, true, STRENGTH_ADVISORY);
    assert_decision("user:alice+group:staff", &weak, &system_mode, true, STRENGTH_STRONG);
    assert_decision("unit:crm.service+user:bob", &weak, &system_mode, false, STRENGTH_STRONG);
    assert_decision("user:bob+unit:crm.service", &weak, &system_mode, false, STRENGTH_STRONG);
    assert_decision("unit:x.service+user:alice", &weak, &system_mode, false, STRENGTH_ADVISORY);
    assert_decision("any+unit:x.service", &alice, &system_mode, false, STRENGTH_STRONG);
    assert_decision("any+unit:crm.service", &weak, &system_mode, true, STRENGTH_ADVISORY);
}

/* What is not known lets nobody in, and the refusal says that it might be otherwise. */
static void test_unknown(void **state)
{
    static const struct subject nothing = {UNKNOWN, NULL, NULL, NULL, true};
    static const struct subject only_uid = {1000, NULL, NULL, NULL, false};

    assert_decision("user:alice", &nothing, &system_mode, false, STRENGTH_ADVISORY);
    assert_decision("user:4294967294", &nothing, &system_mode, false, STRENGTH_ADVISORY);
    assert_decision("group:staff", &nothing, &system_mode, false, STRENGTH_ADVISORY);
    assert_decision("unit:crm.service", &nothing, &system_mode, false, STRENGTH_ADVISORY);
    assert_decision("user:1000", &only_uid, &system_mode, true, STRENGTH_STRONG);
    assert_decision("user:alice", &only_uid, &system_mode, false, STRENGTH_ADVISORY);
    assert_decision("any", &nothing, &system_mode, true, STRENGTH_STRONG);
}

/* A rule that is none, should one get here, lets nobody in. */
static void test_nonsense(void **state)
{
    assert_decision("exec:/bin/sh", &alice, &user_mode, false, STRENGTH_STRONG);
    assert_decision("+", &alice, &user_mode, false, STRENGTH_STRONG);
    assert_decision("any+nonsense", &alice, &user_mode, false, STRENGTH_STRONG);
    assert_decision("anyone", &alice, &user_mode, false, STRENGTH_STRONG);
}

static void test_strongest_wins(void **state)
{
    static const struct subject weak = {1000, "alice", groups, "crm.service", false};
    struct decision decision =
        decide("unit:crm.service;user:alice+unit:crm.service;user:alice", &weak, &user_mode);

    assert_true(decision.allowed);
    assert_string_equal(decision.rule, "user:alice");
    assert_int_equal(decision.strength, STRENGTH_STRONG);
    decision_clear(&decision);
    decision = decide("user:1000;any;user:alice", &weak, &user_mode);
    assert_string_equal(decision.rule, "any");
    decision_clear(&decision);
}

static void swap(char **rules, size_t i, size_t k)
{
    char *rule = rules[i];

    rules[i] = rules[k];
    rules[k] = rule;
}

/* Every order of the first n rules (Heap's algorithm) decides as told. */
static void permute(char **rules, size_t n, const struct subject *subject, const struct decision *told)
{
    if (n <= 1) {
        struct decision decision = policy_decide(rules, subject, &system_mode);

        assert_int_equal(decision.allowed, told->allowed);
        assert_int_equal(decision.strength, told->strength);
        assert_string_equal(decision.rule, told->rule);
        assert_string_equal(decision.evidence, told->evidence);
        decision_clear(&decision);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        permute(rules, n - 1, subject, told);
        swap(rules, n % 2 == 0 ? i : 0, n - 1);
    }
}

static void test_order(void **state)
{
    static const char *const lists[] = {
        "unit:crm.service;user:alice;group:staff;user:bob;unit:x.service",
        "unit:x.service;user:bob;group:admin;unit:y.service+user:alice;user:2",
        "unit:crm.service;unit:crm.service+user:alice;unit:x.service;user:bob;any+unit:crm.service",
    };
    static const struct subject subjects[] = {{1000, "alice", groups, "crm.service", true},
                                              {1000, "alice", groups, "crm.service", false},
                                              {1001, "bob", NULL, NULL, false},
                                              {UNKNOWN, NULL, NULL, NULL, false}};

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        for (size_t k = 0; k < G_N_ELEMENTS(subjects); k++) {
            g_auto(GStrv) rules = g_strsplit(lists[i], ";", -1);
            struct decision told = policy_decide(rules, &subjects[k], &system_mode);

            permute(rules, g_strv_length(rules), &subjects[k], &told);
            decision_clear(&told);
        }
}

/* Adding a rule never takes a right away, whatever the rules are. */
static void test_more_rules_allow_more(void **state)
{
    static const char *const pool[] = {"any",         "user:alice",       "user:7",
                                       "group:staff", "unit:crm.service", "unit:x.service+user:alice",
                                       "user:bob"};
    static const struct subject weak = {1000, "alice", groups, "crm.service", false};

    for (unsigned set = 1; set < 1u << G_N_ELEMENTS(pool); set++) {
        g_autoptr(GPtrArray) rules = g_ptr_array_new();
        struct decision fewer, more;

        for (unsigned i = 0; i < G_N_ELEMENTS(pool); i++)
            if (set & 1u << i)
                g_ptr_array_add(rules, (char *)pool[i]);
        g_ptr_array_add(rules, NULL);
        more = policy_decide((char *const *)rules->pdata, &weak, &system_mode);
        rules->pdata[rules->len - 2] = NULL;
        fewer = policy_decide((char *const *)rules->pdata, &weak, &system_mode);
        assert_true(more.allowed || !fewer.allowed);
        assert_true(!fewer.allowed || more.strength <= fewer.strength);
        decision_clear(&more);
        decision_clear(&fewer);
    }
}

static void test_evidence(void **state)
{
    static const struct {
        struct subject subject;
        const char *evidence;
    } cases[] = {
        {{1000, "alice", groups, "crm.service", true}, "uid 1000 (alice), unit crm.service"},
        {{1000, "alice", groups, "crm.service", false}, "uid 1000 (alice), unit crm.service (advisory)"},
        {{1000, NULL, NULL, NULL, true}, "uid 1000, no unit known"},
        {{UNKNOWN, NULL, NULL, "crm.service", true}, "uid unknown, unit crm.service"},
        {{1000, "J\xc3\xb6rg\xff\x1b", groups, NULL, true},
         "uid 1000 (J\xc3\xb6rg\\xff\\x1b), no unit known"},
        {{1000, NULL, NULL, "a\n.service", true}, "uid 1000, unit a\\x0a.service"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct decision decision = decide("any", &cases[i].subject, &user_mode);
        assert_string_equal(decision.evidence, cases[i].evidence);
        decision_clear(&decision);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_unit_names),
        cmocka_unit_test(test_without_rules),
        cmocka_unit_test(test_no_list),
        cmocka_unit_test(test_root_needs_a_rule),
        cmocka_unit_test(test_each_kind),
        cmocka_unit_test(test_and),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_strongest_wins),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_more_rules_allow_more),
        cmocka_unit_test(test_evidence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
