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
    uid_t uid; /* (uid_t)-1: not known */
    const char *user;
    char *const *groups; /* names */
    const char *unit;
    bool unit_is_strong;
    const char *doubted_unit; /* one that it seems to be in, but that runs as another user: no rule matches */
};

/* Where keyturnd stands. */
struct policy_setting {
    bool system_mode;
    uid_t own_uid;
};

struct decision {
    bool allowed;
    char *rule;             /* that decided; "no rule" in words otherwise */
    char *evidence;         /* uid, user and unit, in words */
    enum strength strength; /* of the weakest fact that was needed; a fact not known is advisory */
};

/* Whether systemd could have a unit of that name: a type it knows at the end, and no template. */
bool unit_name_is_valid(const char *name);

/* One rule. false: KT_INVALID with what is possible; the message does not repeat the rule. */
bool policy_rule_check(const char *rule, GError **error);

/* Without rules: in user mode any program of that user, in system mode nobody. The caller clears it. */
struct decision policy_decide(char *const *allow, const struct subject *subject,
                              const struct policy_setting *setting);
void decision_clear(struct decision *decision);
const char *strength_name(enum strength strength);
