/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the three files of the machine share. Nobody else includes it. */
#pragma once

#include <glib.h>

#include "daemon/core/rotation.h"

/* A key that was created or deleted this recently may answer otherwise for a while (huechat-api.md). */
#define PROPAGATION_GRACE (60 * USEC_PER_SEC)
#define PROBE_MAX_AGE USEC_PER_HOUR
#define STILL_FOR (24 * USEC_PER_HOUR)
#define MAX_REFUSALS 5

#define WAIT ((struct rotation_step){.action = ACTION_WAIT})
#define STEP(a) ((struct rotation_step){.action = (a)})

/* One line where every change of state happens. Forgets what was seen in the last one. */
void rotation_enter(struct rotation *r, enum rotation_state state);

/* Into held, with the reason; a person is told. */
void rotation_hold(struct rotation *r, const char *format, ...) G_GNUC_PRINTF(2, 3);
void rotation_set_reason(struct rotation *r, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Sets next_at: quick repeats after 1, 2, 4, 8 ... s; reads after 5 s, 15 s, 1 min, 5 min; failed changes
 * after 10 s to 24 h; or what HueChat asked for. */
void rotation_retry_quickly(struct rotation *r, usec_t now);
void rotation_retry_read(struct rotation *r, const struct answer *answer, usec_t now);
void rotation_back_off(struct rotation *r, const struct answer *answer, usec_t now);

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

/* The listing after which no key but `keep` carries this rotation's RID: what else does is deleted.
 * seen.swept says when it is so. */
struct rotation_step sweep_decide(struct rotation *r, const struct rotation_facts *f);
void sweep_absorb(struct rotation *r, const char *keep, const struct rotation_event *e, usec_t now);

const struct remote_key *find_by_id(const struct rotation_event *e, const char *id);

/* Whether the gates before the deletion of the old key hold; if not, *ret_why is a literal or facts' text. */
bool rotation_gates_hold(const struct rotation *r, const struct rotation_facts *f, const char **ret_why,
                         bool *ret_still_used);

/* One pair a state: what an event means in it, and what it wants next. */
void planned_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step);
struct rotation_step planned_decide(struct rotation *r, const struct rotation_facts *f);
void creating_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step);
struct rotation_step creating_decide(struct rotation *r, const struct rotation_facts *f);
void reconciling_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                        struct rotation_step *step);
struct rotation_step reconciling_decide(struct rotation *r, const struct rotation_facts *f);
void stored_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                   struct rotation_step *step);
struct rotation_step stored_decide(struct rotation *r, const struct rotation_facts *f);
void verified_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step);
struct rotation_step verified_decide(struct rotation *r, const struct rotation_facts *f);
void rolling_back_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                         struct rotation_step *step);
struct rotation_step rolling_back_decide(struct rotation *r, const struct rotation_facts *f);
void awaiting_key_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                         struct rotation_step *step);
struct rotation_step awaiting_key_decide(struct rotation *r, const struct rotation_facts *f);
void draining_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step);
struct rotation_step draining_decide(struct rotation *r, const struct rotation_facts *f);
void deleting_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                     struct rotation_step *step);
struct rotation_step deleting_decide(struct rotation *r, const struct rotation_facts *f);
void awaiting_deletion_absorb(struct rotation *r, const struct rotation_event *e,
                              const struct rotation_facts *f, struct rotation_step *step);
struct rotation_step awaiting_deletion_decide(struct rotation *r, const struct rotation_facts *f);
void deleted_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                    struct rotation_step *step);
struct rotation_step deleted_decide(struct rotation *r, const struct rotation_facts *f);
void over_absorb(struct rotation *r, const struct rotation_event *e, const struct rotation_facts *f,
                 struct rotation_step *step);
struct rotation_step over_decide(struct rotation *r, const struct rotation_facts *f);
