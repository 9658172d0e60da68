/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of Allow, one a line: who is let in does not hang on their order, more of them never shut anybody
 * out, and what the check accepts is plain text. */
#include "tests/fuzz/fuzz.h"

#include "daemon/core/policy.h"

static char *const groups[] = {(char *)"users", (char *)"crm", NULL};
static const struct subject subjects[] = {
    {.uid = 1000, .user = "alice", .groups = groups, .unit = "crm.service", .unit_is_strong = true},
    {.uid = 0, .user = "root", .unit = "crm@a.service"},
    {.uid = 1000},
    {.uid = (uid_t)-1},
    {.uid = 33, .user = "www-data", .doubted_unit = "crm.service"},
};

static void assert_decision(char **rules, const struct subject *subject)
{
    static const struct policy_setting setting = {.system_mode = true};
    guint n = g_strv_length(rules);
    struct decision decision = policy_decide(rules, subject, &setting), other;
    g_autofree char **reversed = g_new0(char *, n + 1);

    for (guint i = 0; i < n; i++)
        reversed[n - 1 - i] = rules[i];
    other = policy_decide(reversed, subject, &setting);
    fuzz_assert(decision.allowed == other.allowed && decision.strength == other.strength);
    fuzz_assert(strcmp(decision.rule, other.rule) == 0 && strcmp(decision.evidence, other.evidence) == 0);
    fuzz_assert(!decision.allowed || g_strv_contains((const char *const *)rules, decision.rule));
    decision_clear(&other);
    other = policy_decide(n > 0 ? rules + 1 : rules, subject, &setting);
    fuzz_assert(decision.allowed || !other.allowed);
    decision_clear(&other);
    decision_clear(&decision);
}

static bool assert_rule(const char *rule)
{
    g_autoptr(GError) error = NULL;
    bool good = policy_rule_check(rule, &error);

    fuzz_assert_outcome(good, error);
    for (const char *c = rule; good && *c != '\0'; c++)
        fuzz_assert(g_ascii_isgraph(*c) && strchr(";,/#", *c) == NULL);
    if (good && g_str_has_prefix(rule, "unit:") && strchr(rule, '+') == NULL)
        fuzz_assert(unit_name_is_valid(rule + strlen("unit:")));
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autofree char **rules = g_new0(char *, g_strv_length(lines) + 1);
    size_t n = 0;

    for (char **line = lines; *line != NULL; line++)
        if (assert_rule(*line))
            rules[n++] = *line;
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
        assert_decision(rules, &subjects[i]);
    return 0;
}
