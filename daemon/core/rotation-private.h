/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the machine share. Nobody else includes it. */
#pragma once

#include <glib.h>

#include "daemon/core/rotation.h"

/* A key that was created or deleted this recently may answer otherwise for a while (huechat-api.md). */
#define PROPAGATION_GRACE (60 * USEC_PER_SEC)
#define PROBE_MAX_AGE USEC_PER_HOUR
#define STILL_FOR (24 * USEC_PER_HOUR)
#define HOOKS_MAX (90 * USEC_PER_SEC)
#define MAX_REFUSALS 5
/* After that many failures in a row a person is told. */
#define MANY_FAILURES 5

#define WAIT ((struct rotation_step){.action = ACTION_WAIT})
#define STEP(a) ((struct rotation_step){.action = (a)})

/* now is less than span after then. A clock that was set back to before then is not. */
static inline bool is_within(usec_t then, usec_t span, usec_t now)
{
    return then != 0 && then <= now && now - then < span;
}

/* The new key may not be known everywhere yet, by our clock or by HueChat's. */
static inline bool is_young(const struct rotation *r, usec_t now)
{
    return is_within(r->created_at, PROPAGATION_GRACE, now) ||
           is_within(r->new_created_at, PROPAGATION_GRACE, r->seen.date);
}

static inline bool is_by_api(const struct rotation *r)
{
    return r->managed_by == MANAGED_BY_API;
}

/* A management key, which is rotated with itself. */
static inline bool is_management(const struct rotation *r)
{
    return r->integration[0] == '@';
}

/* Deletion alone, by a person's will. */
static inline bool is_by_will(const struct rotation *r)
{
    return r->cause == CAUSE_REVOKE || r->cause == CAUSE_REMOVE;
}

/* One line where every change of state happens. Forgets what was seen in the last one. */
void rotation_enter(struct rotation *r, enum rotation_state state);

/* Into done or aborted; late listings become due where they are needed. */
void rotation_finish(struct rotation *r, enum rotation_state state, usec_t now);

/* Into held, with the reason; a person is reminded. */
void rotation_hold(struct rotation *r, const char *format, ...) G_GNUC_PRINTF(2, 3);
void rotation_set_reason(struct rotation *r, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* A reminder that is due once after every start and then daily; WAIT in between. */
struct rotation_step rotation_remind(struct rotation *r, usec_t now);

/* Sets next_at: quick repeats after 1, 2, 4, 8 ... s; reads after 5 s, 15 s, 1 min, 5 min; failed changes
 * after 10 s to 24 h; or what HueChat asked for. */
void rotation_retry_quickly(struct rotation *r, usec_t now);
void rotation_retry_read(struct rotation *r, const struct answer *answer, usec_t now);
void rotation_back_off(struct rotation *r, const struct answer *answer, usec_t now);

/* It was locked or gone just now, which is no failure; its coming back may have been missed. */
void rotation_wait_for_keyring(struct rotation *r, usec_t now);

/* What a probe's event proves; VERDICT_UNKNOWN without an answer. */
enum verdict rotation_verdict(const struct rotation_event *e);

/* Somebody waits for a first key: a definite failure ends it, with its reason. False: nobody waits. */
bool rotation_give_up(struct rotation *r, usec_t now, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Finding the old key at HueChat by its id, or adopting the one that fits; seen.looked or old_dead tell when
 * it is done. */
void identity_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step);
struct rotation_step identity_decide(struct rotation *r, const struct rotation_facts *f);

/* Takes in the key that was created; false: it is not what was asked for (seen in reason and state). */
const char *rotation_misfit(const struct rotation *r, const struct remote_key *key, enum secret_fit fit);

/* The answer to ACTION_STORE. */
void rotation_stored(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f);

/* Forgets the new key, whose row is closed, so that another can be made. */
void rotation_forget_new(struct rotation *r);

/* The deletion of one key, proved: look, compare with what is known, DELETE, and look again after a 404. */
struct removal {
    const char *id, *name, *last4; /* name NULL: any */
};
enum removal_result {
    REMOVAL_GOING,
    REMOVAL_DONE,
    REMOVAL_FOREIGN, /* the id carries another key: never delete it */
    REMOVAL_NO_PATH, /* DELETE says 404, but the key is there */
};
struct rotation_step removal_decide(const struct rotation *r, struct removal key);
enum removal_result removal_absorb(struct rotation *r, struct removal key, const struct rotation_event *e,
                                   usec_t now);
/* Into held, in the words of the two bad results. */
void removal_hold(struct rotation *r, struct removal key, enum removal_result result);
/* Tells people when DELETE failed many times in a row. */
void removal_tell(struct rotation *r, struct removal key, const struct rotation_event *e,
                  struct rotation_step *step);

/* The listing after which no key but `keep` carries this rotation's RID: what else does is deleted.
 * seen.swept says when it is so. */
struct rotation_step sweep_decide(struct rotation *r, const struct rotation_facts *f);
void sweep_absorb(struct rotation *r, const char *keep, const struct rotation_event *e, usec_t now);

/* The only key that may carry this rotation's RID, or NULL. */
const char *rotation_kept_id(const struct rotation *r);

const struct remote_key *find_by_id(const struct rotation_event *e, const char *id);

/* The gates before the deletion of the old key. */
enum gates {
    GATES_OPEN,
    GATES_SHUT,       /* *ret_why: a literal */
    GATES_STILL_USED, /* number 3 or 4 alone; *ret_why: a literal, or facts' text */
};
enum gates rotation_gates(const struct rotation *r, const struct rotation_facts *f, const char **ret_why);

/* Whether the old key may go: the gates are open, or MaxOverlap has passed and the integration says delete.
 */
bool rotation_may_delete(const struct rotation *r, const struct rotation_facts *f);

/* By our clock and, if it is told, by HueChat's. */
bool rotation_elapsed(const struct rotation *r, const struct rotation_facts *f, usec_t span);

/* Clocks that were set back: their spans begin anew. */
void rotation_mind_clocks(struct rotation *r, usec_t now);

/* One pair a state: what an event means in it, and what it wants next. */
#define STATE(name)                                                                                          \
    void name##_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,   \
                       struct rotation_step *step);                                                          \
    struct rotation_step name##_decide(struct rotation *r, const struct rotation_facts *f);
STATE(planned)
STATE(creating)
STATE(reconciling)
STATE(stored)
STATE(verified)
STATE(draining)
STATE(deleting)
STATE(deleted)
STATE(over)
STATE(rolling_back)
STATE(awaiting_key)
STATE(awaiting_deletion)
#undef STATE
