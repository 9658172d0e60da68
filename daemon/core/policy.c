/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules of Allow, and what a subject's facts make of them. */
#include "daemon/core/policy.h"

#include <string.h>

#include "daemon/core/errors.h"
#include "daemon/util/text.h"

#define RULES "any, user:NAME, group:NAME or unit:NAME.service, joined by + for and"
#define NAME_MAX_BYTES 255

/* What one part of a rule, or a whole rule, says of a subject. */
struct finding {
    bool holds;
    enum strength strength;
};

static const char *const unit_types[] = {".service", ".socket", ".timer", ".target",    ".path",  ".mount",
                                         ".slice",   ".scope",  ".swap",  ".automount", ".device"};

const char *strength_name(enum strength strength)
{
    return strength == STRENGTH_STRONG ? "strong" : "advisory";
}

bool unit_name_is_valid(const char *name)
{
    const char *type = strrchr(name, '.'), *at = strchr(name, '@');
    bool known = false;

    if (type == NULL || type == name || at == name || strlen(name) > NAME_MAX_BYTES || at == type - 1)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(unit_types); i++)
        known |= strcmp(type, unit_types[i]) == 0;
    for (const char *c = name; *c != '\0'; c++)
        if (!g_ascii_isalnum(*c) && strchr(":-_.\\@", *c) == NULL)
            return false;
    return known;
}

static bool is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

static bool uid_parse(const char *text, uid_t *ret)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, 0, (uid_t)-2, &number, NULL))
        return false;
    *ret = (uid_t)number;
    return true;
}

/* As generous as getpwnam: names of a directory service hold more than useradd allows. */
static bool account_name_is_valid(const char *name)
{
    if (*name == '\0' || *name == '-' || strlen(name) > NAME_MAX_BYTES)
        return false;
    for (; *name != '\0'; name++)
        if (!g_ascii_isgraph(*name) || strchr(":;,+/#", *name) != NULL)
            return false;
    return true;
}

/* What follows the kind ("unit:"), or NULL: of another kind. */
static const char *part_value(const char *part, const char *kind)
{
    return g_str_has_prefix(part, kind) ? part + strlen(kind) : NULL;
}

static bool part_check(const char *part, GError **error)
{
    const char *value, *problem = NULL;
    uid_t uid;

    if ((value = part_value(part, "user:")) != NULL) {
        if (is_number(value) ? !uid_parse(value, &uid) : !account_name_is_valid(value))
            problem = "no user can be called so: write user:NAME or user:UID";
    } else if ((value = part_value(part, "group:")) != NULL) {
        if (is_number(value) || !account_name_is_valid(value))
            problem = "no group can be called so: write group:NAME";
    } else if ((value = part_value(part, "unit:")) != NULL) {
        if (!unit_name_is_valid(value))
            problem = "no unit can be called so: write unit:NAME.service, without wildcards";
    } else if (strcmp(part, "any") != 0) {
        problem = "no such rule: write " RULES;
    }
    if (problem != NULL)
        g_set_error_literal(error, KT_ERROR, KT_INVALID, problem);
    return problem == NULL;
}

bool policy_rule_check(const char *rule, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(rule, "+", -1);

    if (*parts == NULL) {
        g_set_error_literal(error, KT_ERROR, KT_INVALID, "an empty rule: write " RULES);
        return false;
    }
    for (char **part = parts; *part != NULL; part++)
        if (!part_check(*part, error))
            return false;
    return true;
}

static struct finding user_finding(const char *name, const struct subject *subject)
{
    uid_t uid;

    if (uid_parse(name, &uid))
        return (struct finding){subject->uid == uid,
                                subject->uid == (uid_t)-1 ? STRENGTH_ADVISORY : STRENGTH_STRONG};
    return (struct finding){g_strcmp0(subject->user, name) == 0,
                            subject->user == NULL ? STRENGTH_ADVISORY : STRENGTH_STRONG};
}

/* A fact that is not known makes no rule hold, and the refusal advisory: it might have been otherwise. */
static struct finding part_finding(const char *part, const struct subject *subject)
{
    const char *value;

    if (strcmp(part, "any") == 0)
        return (struct finding){true, STRENGTH_STRONG};
    if ((value = part_value(part, "user:")) != NULL)
        return user_finding(value, subject);
    if ((value = part_value(part, "group:")) != NULL)
        return (struct finding){subject->groups != NULL &&
                                    g_strv_contains((const char *const *)subject->groups, value),
                                subject->groups != NULL ? STRENGTH_STRONG : STRENGTH_ADVISORY};
    if ((value = part_value(part, "unit:")) != NULL)
        return (struct finding){g_strcmp0(subject->unit, value) == 0,
                                subject->unit != NULL && subject->unit_is_strong ? STRENGTH_STRONG
                                                                                 : STRENGTH_ADVISORY};
    return (struct finding){false, STRENGTH_STRONG};
}

/* Holds if all parts do, as weakly as the weakest; fails as strongly as the strongest part that fails. */
static struct finding rule_finding(const char *rule, const struct subject *subject)
{
    g_auto(GStrv) parts = g_strsplit(rule, "+", -1);
    struct finding held = {*parts != NULL, STRENGTH_STRONG}, failed = {false, STRENGTH_ADVISORY};

    for (char **part = parts; *part != NULL; part++) {
        struct finding finding = part_finding(*part, subject);
        if (finding.holds)
            held.strength = MAX(held.strength, finding.strength);
        else {
            held.holds = false;
            failed.strength = MIN(failed.strength, finding.strength);
        }
    }
    return held.holds ? held : failed;
}

/* Accounts may be called whatever the directory service says. */
static char *describe(const struct subject *subject)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (subject->uid == (uid_t)-1)
        g_string_append(text, "uid unknown");
    else
        g_string_append_printf(text, "uid %u", subject->uid);
    if (subject->user != NULL)
        g_string_append_printf(text, " (%s)", subject->user);
    if (subject->unit != NULL)
        g_string_append_printf(text, ", unit %s%s", subject->unit,
                               subject->unit_is_strong ? "" : " (advisory)");
    else if (subject->doubted_unit != NULL)
        g_string_append_printf(text, ", not believed to be of unit %s, which runs as another user",
                               subject->doubted_unit);
    else
        g_string_append(text, ", no unit known");
    return text_printable(text->str, TEXT_MESSAGE_MAX);
}

static void decide_without_rules(struct decision *decision, const struct subject *subject,
                                 const struct policy_setting *setting)
{
    if (setting->system_mode) {
        decision->rule = g_strdup("no rule: nobody may, until Allow names somebody");
        return;
    }
    decision->allowed = subject->uid == setting->own_uid && subject->uid != (uid_t)-1;
    decision->rule = g_strdup("no rule: any program of the user");
    if (subject->uid == (uid_t)-1)
        decision->strength = STRENGTH_ADVISORY;
}

/* Whether a rule that holds says more than the best so far; between equals the alphabet decides, so that the
 * order of the rules does not. */
static bool is_better(const char *rule, enum strength strength, const char *best, enum strength best_strength)
{
    if (best == NULL || strength != best_strength)
        return best == NULL || strength < best_strength;
    return strcmp(rule, best) < 0;
}

struct decision policy_decide(char *const *allow, const struct subject *subject,
                              const struct policy_setting *setting)
{
    struct decision decision = {.evidence = describe(subject), .strength = STRENGTH_STRONG};
    enum strength refusal = STRENGTH_STRONG, best_strength = STRENGTH_ADVISORY;
    const char *best = NULL;

    if (allow == NULL || *allow == NULL) {
        decide_without_rules(&decision, subject, setting);
        return decision;
    }
    for (; *allow != NULL; allow++) {
        struct finding finding = rule_finding(*allow, subject);
        if (!finding.holds) {
            refusal = MAX(refusal, finding.strength);
        } else if (is_better(*allow, finding.strength, best, best_strength)) {
            best = *allow;
            best_strength = finding.strength;
        }
    }
    decision.allowed = best != NULL;
    decision.rule = g_strdup(best != NULL ? best : "no rule of Allow holds");
    decision.strength = best != NULL ? best_strength : refusal;
    return decision;
}

void decision_clear(struct decision *decision)
{
    g_free(decision->rule);
    g_free(decision->evidence);
    *decision = (struct decision){0};
}
