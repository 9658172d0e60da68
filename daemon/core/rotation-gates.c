/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gates before the old key's deletion (rotation.md), and the two clocks that they are read by. */
#include "daemon/core/rotation-private.h"

/* A HueChat that sends no Date leaves ours alone to judge. */
static bool both_passed(usec_t since, usec_t since_date, usec_t span, usec_t now, usec_t date)
{
    return now >= usec_add(since, span) &&
           (since_date == 0 || date == 0 || date >= usec_add(since_date, span));
}

bool rotation_elapsed(const struct rotation *r, const struct rotation_facts *f, usec_t span)
{
    return both_passed(r->swapped_at, r->swapped_date, span, f->now, r->seen.date);
}

void rotation_mind_clocks(struct rotation *r, usec_t now)
{
    if (now < r->swapped_at)
        r->swapped_at = now;
    if (now < r->old_used_moved)
        r->old_used_moved = now;
    if (r->seen.date == 0)
        return;
    r->swapped_date = MIN(r->swapped_date, r->seen.date);
    r->old_used_date = MIN(r->old_used_date, r->seen.date);
}

/* Number 2. Where both secrets are lost there is nothing that an old key's stay would help. */
static bool new_is_proved(const struct rotation *r, usec_t now)
{
    return (r->seen.new_lost || is_within(r->probed_at, PROBE_MAX_AGE, now)) &&
           (!is_by_api(r) || r->seen.new_listed);
}

/* Number 3. A dashboard's times are for people's eyes alone. */
static bool old_is_still(const struct rotation *r, usec_t now)
{
    if (!is_by_api(r))
        return true;
    return r->has_baseline && (r->old_used_moved == 0 || both_passed(r->old_used_moved, r->old_used_date,
                                                                     STILL_FOR, now, r->seen.date));
}

static enum gates shut(const char **ret_why, const char *why)
{
    *ret_why = why;
    return GATES_SHUT;
}

static enum gates still_used(const char **ret_why, const char *why)
{
    *ret_why = why;
    return GATES_STILL_USED;
}

enum gates rotation_gates(const struct rotation *r, const struct rotation_facts *f, const char **ret_why)
{
    if (f->old_is_current)
        return shut(ret_why, "it is in use as a current or management key");
    if (is_by_will(r))
        return GATES_OPEN;
    if (!new_is_proved(r, f->now))
        return shut(ret_why, "the new key is not proved");
    if (r->compromised) {
        if (f->hooks_ran || f->now >= usec_add(r->swapped_at, HOOKS_MAX))
            return GATES_OPEN;
        return shut(ret_why, "the units' hooks have not ended");
    }
    if (!rotation_elapsed(r, f, f->overlap))
        return shut(ret_why, "the overlap is not over");
    if (f->hooks_failed)
        return still_used(ret_why, "a unit did not take the new key");
    if (f->older_holders > 0)
        return still_used(ret_why, f->holders_text);
    if (!old_is_still(r, f->now))
        return still_used(ret_why, "HueChat saw it used after the swap");
    return GATES_OPEN;
}

bool rotation_may_delete(const struct rotation *r, const struct rotation_facts *f)
{
    const char *why;

    switch (rotation_gates(r, f, &why)) {
    case GATES_OPEN:
        return true;
    case GATES_STILL_USED:
        return f->delete_if_still_used && rotation_elapsed(r, f, f->max_overlap);
    case GATES_SHUT:
        break;
    }
    return false;
}
