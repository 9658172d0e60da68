/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation of one key as a pure machine: (record, event, facts) -> (record, step). rotator commits the
 * record, performs the step's action and feeds the answer back. The states and their rules are rotation.md's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/core/answer.h"
#include "daemon/core/environment.h"
#include "daemon/core/integration.h"
#include "daemon/util/clock.h"

enum rotation_state {
    ROTATION_PLANNED,           /* look the old key up */
    ROTATION_CREATING,          /* POST; sent_at == 0: it never left */
    ROTATION_RECONCILING,       /* the POST's outcome is unknown */
    ROTATION_STORED,            /* the secret is in the keyring: check it */
    ROTATION_VERIFIED,          /* about to swap */
    ROTATION_DRAINING,          /* swapped; the old key waits for its gates */
    ROTATION_DELETING,          /* DELETE of the old key */
    ROTATION_DELETED,           /* gone; prove it, erase the secret, sweep */
    ROTATION_DONE,              /* ended; late listings may still be due */
    ROTATION_ROLLING_BACK,      /* before the swap: DELETE of the new key */
    ROTATION_ABORTED,           /* ended, the old key untouched */
    ROTATION_AWAITING_KEY,      /* dashboard: a person creates */
    ROTATION_AWAITING_DELETION, /* dashboard: a person deletes */
    ROTATION_HELD,              /* waits for a person's decision */
};

enum rotation_cause {
    CAUSE_ADD,         /* first key, somebody waits for it: no second try after a definite failure */
    CAUSE_AGE,         /* its time has come */
    CAUSE_ASKED,       /* somebody asked */
    CAUSE_COMPROMISED, /* somebody asked, in a hurry */
    CAUSE_LOST,        /* the current key's secret is gone */
    CAUSE_DEAD,        /* the current key is proved dead */
    CAUSE_REVOKE,      /* deletion alone, by a person's will */
    CAUSE_REMOVE,      /* as revoke, and then the integration is forgotten */
};

/* The fields that are on disk. NUM: uint64_t (times in microseconds), FLAG: bool, TEXT: char *, may be NULL.
 */
#define ROTATION_FIELDS(NUM, FLAG, TEXT)                                                                     \
    TEXT(rid)         /* 8 hex digits */                                                                     \
    TEXT(integration) /* its name; "@test" or "@live" for the management key */                              \
    NUM(environment)  /* enum environment */                                                                 \
    NUM(managed_by)   /* enum managed_by */                                                                  \
    NUM(state)        /* enum rotation_state */                                                              \
    NUM(held_from)    /* the state before held */                                                            \
    NUM(cause)        /* enum rotation_cause */                                                              \
    FLAG(compromised) /* gates 1, 3 and 4 are waived */                                                      \
    FLAG(again)       /* when this one has ended, rotate the then current key too */                         \
    TEXT(reason)      /* why held, reconciling or rolling back, for people */                                \
    NUM(old_key)      /* ledger's number of the old key, 0: none */                                          \
    TEXT(old_id)      /* NULL: not adopted yet */                                                            \
    TEXT(old_last4)                                                                                          \
    TEXT(old_name)        /* exact name at HueChat, if keyturn made it; else NULL */                         \
    FLAG(old_dead)        /* proved gone: nothing to drain or delete */                                      \
    FLAG(full_access)     /* what to ask for */                                                              \
    TEXT(permissions)     /* joined by ';' */                                                                \
    NUM(attempt)          /* number of the create */                                                         \
    NUM(refusals)         /* creates that were answered with failure */                                      \
    NUM(sent_at)          /* when the create left, 0: it has not */                                          \
    FLAG(outcome_unknown) /* some create's outcome was unknown: look again later */                          \
    NUM(new_key)          /* ledger's number of the new key, 0: none yet */                                  \
    TEXT(new_id)                                                                                             \
    TEXT(new_last4)                                                                                          \
    TEXT(new_name)      /* exact name at HueChat, if keyturn made it; else NULL */                           \
    NUM(new_created_at) /* HueChat's time */                                                                 \
    NUM(created_at)     /* our time of the create's answer */                                                \
    NUM(probed_at)      /* the new secret, as stored, worked */                                              \
    NUM(swapped_at)     /* our time */                                                                       \
    NUM(swapped_date)   /* HueChat's time at the first listing after the swap */                             \
    FLAG(swapped_back)  /* the swap was undone: new and old changed places */                                \
    FLAG(make_another)  /* once the new key is rolled back, make another one */                              \
    FLAG(has_baseline)  /* old_used_at was read after the swap */                                            \
    NUM(old_used_at)    /* HueChat's last_used_at of the old key, as last seen */                            \
    NUM(old_used_moved) /* our time when it was seen to move, 0: never */                                    \
    NUM(old_used_date)  /* HueChat's time then, 0: not told */                                               \
    TEXT(target_id)     /* a stray of this rotation that is to be deleted */                                 \
    TEXT(target_name)                                                                                        \
    TEXT(target_last4)                                                                                       \
    NUM(delete_at)    /* a DELETE of the old key left and may have been done, 0: none */                     \
    NUM(deleted_at)   /* our time of the DELETE's confirmation */                                            \
    TEXT(request_id)  /* of the DELETE */                                                                    \
    NUM(failures)     /* in a row, for the back-off */                                                       \
    NUM(reminded_at)  /* a person was last reminded */                                                       \
    NUM(recheck_step) /* late listings done */                                                               \
    NUM(recheck_at)   /* the next late listing, 0: none */                                                   \
    NUM(started_at)                                                                                          \
    NUM(finished_at) /* 0: under way */

/* Where the removal of one key stands. */
enum removal_phase {
    REMOVAL_LOOK,  /* GET it */
    REMOVAL_LIST,  /* GET said 404 (or DELETE did): is it in a listing? */
    REMOVAL_READY, /* it is there and is the right one */
    REMOVAL_GONE,  /* confirmed */
};

struct rotation {
#define NUM(f) uint64_t f;
#define FLAG(f) bool f;
#define TEXT(f) char *f;
    ROTATION_FIELDS(NUM, FLAG, TEXT)
#undef NUM
#undef FLAG
#undef TEXT
    /* Not on disk from here on: after a restart nothing is waited for, and all is looked up anew. */
    usec_t next_at;     /* when to act next, 0: at once, or for an event */
    usec_t waits_since; /* our time when next_at was set */
    /* What this process has seen in this state. */
    struct {
        bool awake;          /* it was woken since the start; kept from state to state */
        bool looked;         /* the key in question was found and matches */
        bool must_list;      /* GET did not tell */
        bool probe_old;      /* absent from HueChat's list, or wanted back: does it still work? */
        bool old_works;      /* it does */
        bool keyring_proved; /* it can be written */
        bool have_secret;    /* the new secret is in memory, and is well-formed */
        bool announced;
        bool removed_stray;
        bool swept;      /* a listing without strays */
        bool new_listed; /* that listing shows the new key */
        bool drained;    /* it came here from draining, in this process: the gates were open a moment ago */
        bool old_proved_dead;
        bool both_dead;    /* HueChat refuses the old and the new key */
        bool new_lost;     /* the keyring does not have the new secret */
        bool no_way_back;  /* the old key is refused, or its secret lost */
        bool gates_failed; /* waits for a gate */
        bool deny_delete;  /* DELETE was answered 404 */
        bool ours_erased;
        bool reminded;
        enum removal_phase removal;
        unsigned tries;    /* quick repeats in this state */
        usec_t listed_at;  /* our time of the last listing that counted */
        usec_t date;       /* HueChat's time, as last told */
        usec_t gone_since; /* when the new key was first seen dead */
    } seen;
};

enum rotation_event_type {
    EVENT_WAKE,            /* started, restarted, timer, or a hindrance went away */
    EVENT_GOT,             /* answer, key */
    EVENT_LISTED,          /* answer; keys if it counts */
    EVENT_KEYRING_CHECKED, /* result */
    EVENT_SENDING,         /* the create is about to leave */
    EVENT_CREATED,         /* answer, key, fit */
    EVENT_STORED,          /* result */
    EVENT_PROBED_NEW,      /* answer, or result if there is no secret to probe with */
    EVENT_PROBED_OLD,      /* likewise */
    EVENT_SWAPPED,         /* verified is on disk: swap */
    EVENT_ANNOUNCED,
    EVENT_DELETED,  /* answer */
    EVENT_ERASED,   /* result */
    EVENT_SUPPLIED, /* a person's key: verified, and in memory; key has what is known of it */
    EVENT_RESUME,
    EVENT_ROLLBACK,
    EVENT_CONFIRM,  /* a person says that the old key is deleted */
    EVENT_HURRY,    /* --compromised, to a running rotation */
    EVENT_REJECTED, /* somebody got 401 with the current key: look at it now */
};

/* How a secret fits the key that HueChat described. */
enum secret_fit {
    SECRET_FITS,
    SECRET_MALFORMED,
    SECRET_WRONG_PREFIX,
    SECRET_WRONG_LAST4,
    SECRET_KNOWN, /* it is another key of ours */
};

struct rotation_event {
    enum rotation_event_type type;
    const struct answer *answer;
    const struct remote_key *key;
    const struct remote_key *keys; /* LISTED; NULL if the listing does not count */
    size_t n_keys;
    enum secret_fit fit;
    bool known_before; /* CREATED: the ledger knows that id already */
    int result;        /* 0; -EAGAIN: keyring locked or gone; -ENOKEY: no such secret; else it failed */
};

/* The world around the record, read by rotator just before the call. */
struct rotation_facts {
    usec_t now;
    bool keyring_ready; /* unlocked */
    bool paused;        /* no management key, or HueChat refuses it */
    bool settling;      /* right after a start: what the keyring has is not known yet */
    bool foreign;       /* the ledger came from another machine: no delete */
    usec_t overlap;
    usec_t max_overlap;
    usec_t timeout; /* of one request */
    bool delete_if_still_used;
    bool old_secret_known;
    const char *old_id;     /* the old key's id as a person named it since; NULL: nobody did */
    bool old_is_current;    /* gate 5: somebody's current key, or a management key; for revoke and remove its
                               own integration does not count */
    unsigned older_holders; /* gate 4 */
    const char *holders_text; /* who they are */
    bool hooks_ran;           /* the units' hooks have ended */
    bool hooks_failed;        /* a unit did not come back with the new key */
};

enum rotation_action {
    ACTION_WAIT, /* till next_at, or for an event */
    ACTION_GET,  /* of `id` */
    ACTION_LIST,
    ACTION_CHECK_KEYRING, /* prove that it can be written */
    ACTION_CREATE,        /* EVENT_SENDING comes first */
    ACTION_STORE,
    ACTION_PROBE_NEW,
    ACTION_PROBE_OLD,
    ACTION_SWAP,     /* nothing but EVENT_SWAPPED: the swap is the transaction that follows it */
    ACTION_ANNOUNCE, /* KeyChanged and hooks */
    ACTION_DELETE,   /* of `id` */
    ACTION_ERASE,    /* the secret of the old key; of the new one in rolling-back */
    ACTION_REMIND,   /* AttentionNeeded with rotation_guidance() */
    ACTION_END,      /* this record needs nothing more */
};

/* What the ledger does to its keys in the transaction that commits the record. */
enum rotation_change {
    CHANGE_NONE,
    CHANGE_NEW_KEY,  /* a row for new_id, new_last4; sets new_key */
    CHANGE_ADOPT,    /* old_id is the old key's id */
    CHANGE_SWAP,     /* new is current, old is retiring, generation + 1 */
    CHANGE_OLD_GONE, /* the old key's row is closed */
    CHANGE_NEW_GONE, /* the new key's row is closed */
};

struct rotation_step {
    enum rotation_action action;
    enum rotation_change change;
    const char *id; /* GET, DELETE: in the record */
    bool attention; /* tell people rotation.reason */
    bool pause;     /* the environment's management key was refused */
};

const char *rotation_state_name(enum rotation_state state);
int rotation_state_parse(const char *name, enum rotation_state *ret);
const char *rotation_cause_name(enum rotation_cause cause);

struct rotation *rotation_new(const char *rid, const char *integration, enum environment environment,
                              enum rotation_cause cause, usec_t now);
struct rotation *rotation_copy(const struct rotation *rotation);
struct rotation *rotation_free(struct rotation *rotation);

/* Whether all fields that are on disk are the same. */
bool rotation_equal(const struct rotation *a, const struct rotation *b);

/* "NAME [kt RID.ATTEMPT]": the exact name of the key that is being created. The caller frees it (g_free). */
char *rotation_key_name(const struct rotation *rotation);

/* Whether a key's name says that this rotation made it, in whichever attempt. */
bool rotation_made(const struct rotation *rotation, const char *key_name);

/* The machine: folds the event into the record, then says what to do next. */
struct rotation_step rotation_next(struct rotation *rotation, const struct rotation_event *event,
                                   const struct rotation_facts *facts);

/* Whether the rotation has ended as far as its integration is concerned. */
static inline bool rotation_is_over(const struct rotation *rotation)
{
    return rotation->state == ROTATION_DONE || rotation->state == ROTATION_ABORTED;
}

/* Whether new keys are in use: a rollback is then a second swap. */
static inline bool rotation_is_swapped(const struct rotation *rotation)
{
    return rotation->swapped_at != 0;
}

/* Takes in EVENT_HURRY's word and decides nothing, for when an action is under way. */
void rotation_hurry(struct rotation *rotation);

/* Whether EVENT_ROLLBACK would be followed: not after a DELETE that may have been done, nor a second time. */
bool rotation_can_roll_back(const struct rotation *rotation);

/* Whether EVENT_ROLLBACK asks for what is done, or under way: the new key is given up. */
bool rotation_is_rolled_back(const struct rotation *rotation);

/* What a person has to do in awaiting-key, awaiting-deletion or held, in words. The caller frees it (g_free).
 */
char *rotation_guidance(const struct rotation *rotation);
