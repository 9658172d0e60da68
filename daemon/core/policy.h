/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may fetch: a pure decision over an integration's Allow rules, independent of their order. Rules: any,
 * user:NAME, group:NAME, unit:NAME (of the manager that keyturnd runs under), joined by '+' for and. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

enum strength {
    STRENGTH_STRONG,   /* the kernel or a bus daemon of another user vouches for it */
    STRENGTH_ADVISORY, /* the subject itself could have arranged it */
};

/* What is known of who asks. Texts may be NULL: not known, so no rule on them matches. */
struct subject {
    uid_t uid;
    const char *user;
    char *const *groups;
    const char *unit;
    bool unit_is_strong;
};

/* Where keyturnd stands. */
struct policy_setting {
    bool system_mode;
    uid_t own_uid;
};

struct decision {
    bool allowed;
    char *rule;     /* that decided; "no rule" in words otherwise */
    char *evidence; /* uid, user and unit, in words */
    enum strength strength;
};

/* One rule: 0, or KT_INVALID with what is possible. */
bool policy_rule_check(const char *rule, GError **error);

/* Without rules: in user mode any program of that user, in system mode nobody. The caller clears it. */
struct decision policy_decide(char *const *allow, const struct subject *subject,
                              const struct policy_setting *setting);
void decision_clear(struct decision *decision);
const char *strength_name(enum strength strength);
