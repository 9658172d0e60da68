/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's frame: names, records, changes of state, and what a person may say in any state. The states
 * before the swap are in rotation-issue.c, those after it in rotation-retire.c. */
#include "daemon/core/rotation-private.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const char *const state_names[] = {
    [ROTATION_PLANNED] = "planned",
    [ROTATION_CREATING] = "creating",
    [ROTATION_RECONCILING] = "reconciling",
    [ROTATION_STORED] = "stored",
    [ROTATION_VERIFIED] = "verified",
    [ROTATION_DRAINING] = "draining",
    [ROTATION_DELETING] = "deleting",
    [ROTATION_DELETED] = "deleted",
    [ROTATION_DONE] = "done",
    [ROTATION_ROLLING_BACK] = "rolling-back",
    [ROTATION_ABORTED] = "aborted",
    [ROTATION_AWAITING_KEY] = "awaiting-key",
    [ROTATION_AWAITING_DELETION] = "awaiting-deletion",
    [ROTATION_HELD] = "held",
};

static const char *const cause_names[] = {
    [CAUSE_ADD] = "first key",    [CAUSE_AGE] = "due by age",
    [CAUSE_ASKED] = "asked for",  [CAUSE_COMPROMISED] = "compromised",
    [CAUSE_LOST] = "secret lost", [CAUSE_DEAD] = "key refused by HueChat",
    [CAUSE_REVOKE] = "revoked",   [CAUSE_REMOVE] = "removed",
};

const char *rotation_state_name(enum rotation_state state)
{
    return state_names[state];
}

int rotation_state_parse(const char *name, enum rotation_state *ret)
{
    for (size_t i = 0; i < G_N_ELEMENTS(state_names); i++)
        if (strcmp(state_names[i], name) == 0) {
            *ret = (enum rotation_state)i;
            return 0;
        }
    return -EINVAL;
}

const char *rotation_cause_name(enum rotation_cause cause)
{
    return cause_names[cause];
}

struct rotation *rotation_new(const char *rid, const char *integration, enum environment environment,
                              enum rotation_cause cause, usec_t now)
{
    struct rotation *r = g_new0(struct rotation, 1);

    r->rid = g_strdup(rid);
    r->integration = g_strdup(integration);
    r->environment = environment;
    r->cause = cause;
    r->compromised = cause == CAUSE_COMPROMISED;
    r->state = cause == CAUSE_REVOKE || cause == CAUSE_REMOVE ? ROTATION_DELETING : ROTATION_PLANNED;
    r->started_at = now;
    return r;
}

struct rotation *rotation_copy(const struct rotation *rotation)
{
    struct rotation *r = g_memdup2(rotation, sizeof *rotation);

#define NUM(f)
#define FLAG(f)
#define TEXT(f) r->f = g_strdup(rotation->f);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    return r;
}

struct rotation *rotation_free(struct rotation *rotation)
{
    if (rotation == NULL)
        return NULL;
#define NUM(f)
#define FLAG(f)
#define TEXT(f) g_free(rotation->f);
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    g_free(rotation);
    return NULL;
}

bool rotation_equal(const struct rotation *a, const struct rotation *b)
{
    bool equal = true;

#define NUM(f) equal = equal && a->f == b->f;
#define FLAG(f) equal = equal && a->f == b->f;
#define TEXT(f) equal = equal && g_strcmp0(a->f, b->f) == 0;
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    return equal;
}

/* The management key's record is named "@test"; HueChat gets a name that people understand. */
static const char *base_name(const struct rotation *r)
{
    return r->integration[0] == '@' ? "keyturn-management" : r->integration;
}

char *rotation_key_name(const struct rotation *r)
{
    return g_strdup_printf("%s [kt %s.%u]", base_name(r), r->rid, (unsigned)r->attempt);
}

bool rotation_made(const struct rotation *r, const char *key_name)
{
    g_autofree char *prefix = g_strdup_printf("%s [kt %s.", base_name(r), r->rid);
    const char *rest;

    if (!g_str_has_prefix(key_name, prefix))
        return false;
    rest = key_name + strlen(prefix);
    return *rest != '\0' && strspn(rest, "0123456789") == strlen(rest) - 1 && g_str_has_suffix(rest, "]");
}

void rotation_enter(struct rotation *r, enum rotation_state state)
{
    bool announced = r->seen.announced, have_secret = r->seen.have_secret;
    usec_t date = r->seen.date;

    r->state = state;
    r->next_at = 0;
    r->reminded_at = 0;
    memset(&r->seen, 0, sizeof r->seen);
    r->seen.announced = announced;
    r->seen.have_secret = have_secret;
    r->seen.date = date;
}

static void set_reason(struct rotation *r, const char *format, va_list arguments)
{
    char *reason = g_strdup_vprintf(format, arguments);

    g_free(r->reason);
    r->reason = reason;
}

void rotation_set_reason(struct rotation *r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_reason(r, format, arguments);
    va_end(arguments);
}

void rotation_hold(struct rotation *r, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_reason(r, format, arguments);
    va_end(arguments);
    r->held_from = r->state;
    rotation_enter(r, ROTATION_HELD);
}

/* Waits that a table gives, the last one for good; HueChat's own wish if that is longer. */
static void wait_by_table(struct rotation *r, const usec_t *table, size_t n, unsigned step,
                          const struct answer *answer, usec_t now)
{
    usec_t wait = table[MIN(step, n - 1)];

    if (answer != NULL && answer->status == 429)
        wait = answer->retry_after > 0 ? answer->retry_after : 60 * USEC_PER_SEC;
    r->next_at = usec_add(now, wait);
}

void rotation_retry_quickly(struct rotation *r, usec_t now)
{
    static const usec_t table[] = {USEC_PER_SEC, 2 * USEC_PER_SEC, 4 * USEC_PER_SEC, 8 * USEC_PER_SEC};

    wait_by_table(r, table, G_N_ELEMENTS(table), r->seen.tries++, NULL, now);
}

void rotation_retry_read(struct rotation *r, const struct answer *answer, usec_t now)
{
    static const usec_t table[] = {5 * USEC_PER_SEC, 15 * USEC_PER_SEC, USEC_PER_MINUTE, 5 * USEC_PER_MINUTE};

    wait_by_table(r, table, G_N_ELEMENTS(table), r->seen.tries++, answer, now);
}

void rotation_back_off(struct rotation *r, const struct answer *answer, usec_t now)
{
    static const usec_t table[] = {10 * USEC_PER_SEC,    USEC_PER_MINUTE,   5 * USEC_PER_MINUTE,
                                   30 * USEC_PER_MINUTE, 2 * USEC_PER_HOUR, 6 * USEC_PER_HOUR,
                                   24 * USEC_PER_HOUR};
    bool limited = answer != NULL && answer->status == 429;

    wait_by_table(r, table, G_N_ELEMENTS(table), (unsigned)r->failures, answer, now);
    if (!limited)
        r->failures++;
}

typedef void (*absorb_fn)(struct rotation *, const struct rotation_event *, const struct rotation_facts *,
                          struct rotation_step *);
typedef struct rotation_step (*decide_fn)(struct rotation *, const struct rotation_facts *);

static void held_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step)
{
    if (e->type == EVENT_RESUME) {
        enum rotation_state state = (enum rotation_state)r->held_from;
        rotation_set_reason(r, "resumed");
        rotation_enter(r, state);
        r->failures = 0;
    }
}

static struct rotation_step held_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (r->reminded_at != 0 && f->now < usec_add(r->reminded_at, USEC_PER_DAY)) {
        r->next_at = usec_add(r->reminded_at, USEC_PER_DAY);
        return WAIT;
    }
    r->reminded_at = f->now;
    return STEP(ACTION_REMIND);
}

static const struct {
    absorb_fn absorb;
    decide_fn decide;
} states[] = {
    [ROTATION_PLANNED] = {planned_absorb, planned_decide},
    [ROTATION_CREATING] = {creating_absorb, creating_decide},
    [ROTATION_RECONCILING] = {reconciling_absorb, reconciling_decide},
    [ROTATION_STORED] = {stored_absorb, stored_decide},
    [ROTATION_VERIFIED] = {verified_absorb, verified_decide},
    [ROTATION_DRAINING] = {draining_absorb, draining_decide},
    [ROTATION_DELETING] = {deleting_absorb, deleting_decide},
    [ROTATION_DELETED] = {deleted_absorb, deleted_decide},
    [ROTATION_DONE] = {over_absorb, over_decide},
    [ROTATION_ROLLING_BACK] = {rolling_back_absorb, rolling_back_decide},
    [ROTATION_ABORTED] = {over_absorb, over_decide},
    [ROTATION_AWAITING_KEY] = {awaiting_key_absorb, awaiting_key_decide},
    [ROTATION_AWAITING_DELETION] = {awaiting_deletion_absorb, awaiting_deletion_decide},
    [ROTATION_HELD] = {held_absorb, held_decide},
};

/* Before the swap: undo. After it: a second swap, if the old key still works. */
static void roll_back(struct rotation *r)
{
    enum rotation_state from =
        (enum rotation_state)(r->state == ROTATION_HELD ? r->held_from : (uint64_t)r->state);

    if (!rotation_is_swapped(r)) {
        rotation_set_reason(r, "rolled back by a person");
        rotation_enter(r, ROTATION_ROLLING_BACK);
        return;
    }
    if (r->swapped_back ||
        (from != ROTATION_DRAINING && from != ROTATION_DELETING && from != ROTATION_AWAITING_DELETION))
        return;
    rotation_enter(r, ROTATION_DRAINING);
    r->seen.probe_old = true;
}

static void absorb_persons_word(struct rotation *r, const struct rotation_event *e)
{
    if (e->type == EVENT_HURRY && !rotation_is_over(r)) {
        r->compromised = true;
        r->again = true;
        r->next_at = 0;
    }
    if (e->type == EVENT_ROLLBACK && !rotation_is_over(r))
        roll_back(r);
}

struct rotation_step rotation_next(struct rotation *r, const struct rotation_event *e,
                                   const struct rotation_facts *f)
{
    struct rotation_step step = WAIT, told = WAIT;
    enum rotation_state before = r->state, deciding;

    if (e->answer != NULL && e->answer->date != 0)
        r->seen.date = e->answer->date;
    if (e->type == EVENT_WAKE)
        r->next_at = 0;
    absorb_persons_word(r, e);
    states[r->state].absorb(r, e, f, &told);
    if (e->type == EVENT_SENDING)
        return WAIT;
    do {
        deciding = r->state;
        step = states[deciding].decide(r, f);
    } while (r->state != deciding);
    if (step.action == ACTION_DELETE && f->foreign) {
        rotation_hold(r,
                      "this ledger came from another machine, which may still use these keys: stop keyturn "
                      "there, then resume here");
        step = held_decide(r, f);
    }
    if (told.change != CHANGE_NONE)
        step.change = told.change;
    step.pause = told.pause;
    step.attention =
        step.attention || told.attention || (r->state == ROTATION_HELD && before != ROTATION_HELD);
    return step;
}

char *rotation_guidance(const struct rotation *r)
{
    g_autofree char *name = rotation_key_name(r);
    const char *shown = r->integration;

    switch (r->state) {
    case ROTATION_AWAITING_KEY:
        return g_strdup_printf(
            "create a %s key named \"%s\" with %s%s in HueChat's dashboard (Settings > API Keys), "
            "then: keyturn import %s",
            environment_name((enum environment)r->environment), name,
            r->full_access ? "Full Access" : "the scopes ", r->full_access ? "" : r->permissions, shown);
    case ROTATION_AWAITING_DELETION:
        return g_strdup_printf(
            "delete the key ending in %s%s%s%s in HueChat's dashboard (Settings > API Keys), then: "
            "keyturn confirm-deleted %s",
            r->old_last4, r->old_name != NULL ? " named \"" : "", r->old_name != NULL ? r->old_name : "",
            r->old_name != NULL ? "\"" : "", shown);
    case ROTATION_HELD:
        return g_strdup_printf("held in %s: %s; keyturn resume %s, or keyturn rollback %s",
                               rotation_state_name((enum rotation_state)r->held_from), r->reason, shown,
                               shown);
    case ROTATION_PLANNED:
    case ROTATION_CREATING:
    case ROTATION_RECONCILING:
    case ROTATION_STORED:
    case ROTATION_VERIFIED:
    case ROTATION_DRAINING:
    case ROTATION_DELETING:
    case ROTATION_DELETED:
    case ROTATION_DONE:
    case ROTATION_ROLLING_BACK:
    case ROTATION_ABORTED:
        break;
    }
    return g_strdup(r->reason != NULL ? r->reason : rotation_state_name(r->state));
}
