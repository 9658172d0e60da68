/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planned: nothing has been done yet. The old key must exist and match, and the keyring must be writable. */
#include "daemon/core/rotation-private.h"

#include <errno.h>

void planned_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step)
{
    if (e->type != EVENT_KEYRING_CHECKED) {
        identity_absorb(r, e, f, step);
        return;
    }
    if (e->result == 0)
        r->seen.keyring_proved = true;
    else if (!rotation_give_up(r, f->now, "the keyring can't be written: unlock it, or see its own log"))
        rotation_retry_read(r, NULL, f->now);
}

/* Somebody who waits for the first key had better be told than kept waiting. */
static bool is_hindered(struct rotation *r, const struct rotation_facts *f)
{
    const char *environment = environment_name((enum environment)r->environment);

    if (f->settling)
        return true;
    if (f->paused)
        rotation_give_up(r, f->now, "no management key for %s works: keyturn login %s", environment,
                         environment);
    else if (!f->keyring_ready)
        rotation_give_up(r, f->now, "the keyring is locked or absent: unlock it, then try again");
    return f->paused || !f->keyring_ready;
}

struct rotation_step planned_decide(struct rotation *r, const struct rotation_facts *f)
{
    if (!is_by_api(r)) {
        r->attempt = 1;
        rotation_enter(r, ROTATION_AWAITING_KEY);
        return WAIT;
    }
    if (is_hindered(r, f) || f->now < r->next_at)
        return WAIT;
    if (!r->seen.looked && !r->old_dead)
        return identity_decide(r, f);
    if (!r->seen.keyring_proved)
        return STEP(ACTION_CHECK_KEYRING);
    r->attempt++;
    r->sent_at = 0;
    rotation_enter(r, ROTATION_CREATING);
    r->seen.keyring_proved = true;
    return WAIT;
}
