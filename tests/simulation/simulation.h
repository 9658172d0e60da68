/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A universe for the real core/rotation and rotator: HueChat, keyring, ledger, people, clocks and crashes,
 * all from one seed. What a real process would lose in a crash is in struct process; all else is the world
 * outside. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "daemon/rotator.h"
#include "tests/simulation/chance.h"

#define SECRET_MARK "SECRET"
#define MAX_APPS 16
#define FIRST_MANAGED 2 /* apps[0] and apps[1] are the management keys, by enum environment */
#define NEVER USEC_INFINITY

struct request;

enum origin {
    ORIGIN_CREATED, /* by a create of ours */
    ORIGIN_PERSON,  /* in the dashboard, for us */
    ORIGIN_FOREIGN, /* not ours: never to be touched */
};

enum killer {
    KILLER_NOBODY,
    KILLER_KEYTURN,
    KILLER_PERSON,
};

/* A key at HueChat, dead or alive. All points in time are true time, but for dates. */
struct remote {
    char *id, *name, *secret, *permissions;
    char last4[5];
    enum environment type;
    bool full_access;
    enum origin origin;
    enum killer killer;
    struct app *owner;    /* NULL: foreign */
    struct app *co_owner; /* somebody imported it twice */
    usec_t works_from, works_until;
    usec_t seen_from, seen_until; /* by GET and LIST */
    usec_t created_date, used_date;
    usec_t used_moved; /* true time when used_date changed */
};

enum row_state {
    ROW_NEW,
    ROW_CURRENT,
    ROW_RETIRING,
    ROW_GONE,
};

/* A key in the ledger. */
struct row {
    uint64_t number, generation;
    char *id, *last4, *name;
    enum row_state state;
    struct remote *remote; /* which key it really is */
    usec_t created_at;     /* our time */
    bool lost;             /* the keyring lost it, by a fault */
};

struct holder {
    uint64_t number; /* never used again */
    uint64_t generation;
    struct remote *remote;
};

/* An integration, or a management key. */
struct app {
    unsigned index;
    char name[24];
    enum environment environment;
    enum managed_by managed_by;
    bool full_access;
    usec_t rotate_after, overlap, max_overlap;
    bool delete_if_still_used;
    bool troubled; /* faults meet it; the others' rotations have to be on time */
    bool defined;
    bool again; /* the ledger knows that the current key is to be rotated too */
    GPtrArray *rows;
    uint64_t generation;
    usec_t retry_at, reported_at; /* our time */
    usec_t excused_at;            /* true time: what delayed it until then was not another one's trouble */
    GPtrArray *holders;
    char *trace[64]; /* the last events, a ring */
    unsigned traced;
    char holders_text[64];
};

/* What the world remembers of one rotation, to judge it by. */
struct course {
    struct app *app;
    struct remote *created; /* by the create that is being answered, or supplied by a person */
    usec_t started_at, swapped_at, baseline_at, listed_at, proved_at;
    unsigned our_leaps, its_leaps; /* when it swapped */
    unsigned calls, restarts, words, commits;
    bool may_probe_old, new_listed;
    unsigned held; /* times a person was asked */
};

/* Gone in a crash. */
struct process {
    struct rotator *rotator;
    GHashTable *fresh; /* rid -> struct remote: secrets not stored yet */
    bool refused[ENVIRONMENT_COUNT];
    bool hooks_ran[MAX_APPS];
    usec_t hooks_failed[MAX_APPS]; /* when, 0: not */
    bool busy[MAX_APPS];
};

struct simulation {
    uint64_t seed;
    struct chance chance;
    bool verbose, calm;
    usec_t now; /* true time */
    int64_t our_offset, its_offset;
    unsigned our_leaps, its_leaps;
    usec_t usage_grain; /* of last_used_at; NEVER: it is always null */
    bool dateless;
    struct process *process; /* NULL: keyturnd is not running */
    bool crashing;           /* it died in the middle of a call: whatever it still does has no effect */
    unsigned epoch;          /* which life of keyturnd */
    usec_t asleep_until;     /* the machine is suspended */
    bool foreign;            /* the ledger came from another machine, and nobody has said yet which goes on */
    bool keyring_locked;
    GHashTable *keyring; /* number -> struct remote */
    usec_t disk_bad_until;
    GHashTable *disk;      /* rid -> struct rotation, as it would be read back */
    GHashTable *known_ids; /* every id that the ledger has seen */
    GHashTable *courses;   /* rid -> struct course */
    uint64_t numbers, serials, holders;
    unsigned ghosts; /* requests that will take effect without an answer */
    GPtrArray *remotes;
    struct app apps[MAX_APPS];
    unsigned n_apps;
    GPtrArray *queue; /* struct happening, a heap */
    uint64_t order;
    unsigned stuck;                  /* steps in a row in which time stood still */
    unsigned crash_rate, fault_rate; /* percent of the usual */
    uint64_t steps, rotations, crashes, swaps, swaps_back, strays, entered[ROTATION_HELD + 1];
    char *failure;
    char why[160];
};

/* Something that will happen. epoch 0: whether keyturnd lives or not. */
struct happening {
    usec_t at;
    uint64_t order;
    unsigned epoch;
    void (*fn)(struct simulation *s, struct happening *h);
    struct app *app;
    void *data;
    void (*drop)(void *data); /* if it never happens */
    uint64_t number;
};

/* simulation.c */
struct simulation *simulation_new(uint64_t seed, bool verbose);
struct simulation *simulation_free(struct simulation *s);
/* Storm, then calm. False: s->failure says what broke. */
bool simulation_run(struct simulation *s);
struct happening *simulation_plan(struct simulation *s, usec_t span,
                                  void (*fn)(struct simulation *, struct happening *), struct app *app);
usec_t simulation_our_time(const struct simulation *s);
usec_t simulation_its_time(const struct simulation *s);
struct app *simulation_app(struct simulation *s, const char *name);
struct course *simulation_course(struct simulation *s, const char *rid);
void simulation_excuse_all(struct simulation *s);
void simulation_trace(struct simulation *s, struct app *app, const char *format, ...) G_GNUC_PRINTF(3, 4);
void simulation_fail(struct simulation *s, int invariant, struct app *app, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* process.c: keyturnd lives and dies */
void process_start(struct simulation *s, struct happening *h);
void process_crash(struct simulation *s);
/* Dies here and now, with the given chance; true: it has died. */
bool process_may_crash(struct simulation *s, unsigned permille);
extern const struct rotator_world process_world;
void process_consider(struct simulation *s, struct app *app); /* whether a rotation is due */
int process_begin(struct simulation *s, struct app *app, enum rotation_cause cause);
bool process_is_up(const struct simulation *s);

/* performer.c */
void performer_begin(struct simulation *s, const struct rotation *r, const struct rotation_step *step);
void performer_note(struct simulation *s, const struct request *request); /* an answer comes */

/* ledger.c */
int ledger_write(struct simulation *s, struct rotation *r, enum rotation_change change);
struct rotation *ledger_read(const struct rotation *disk);
struct row *ledger_current(const struct app *app);
struct row *ledger_row(const struct app *app, uint64_t number);
struct row *ledger_add(struct simulation *s, struct app *app, struct remote *remote, enum row_state state);
const struct rotation *ledger_rotation(struct simulation *s, const struct app *app); /* that is not over */
void ledger_forget(struct simulation *s, struct app *app);
void row_free(void *row);

/* huechat.c */
struct remote *huechat_make(struct simulation *s, struct app *app, const char *name, enum origin origin);
bool remote_works(const struct simulation *s, const struct remote *remote);
bool remote_is_seen(const struct simulation *s, const struct remote *remote);
bool remote_lives(const struct simulation *s, const struct remote *remote);
void remote_kill(struct simulation *s, struct remote *remote, enum killer killer);
void remote_use(struct simulation *s, struct remote *remote);
void remote_free(void *remote);

/* A request to HueChat, from its leaving to its answer. */
struct request {
    struct app *app;
    char *rid, *id, *name;
    enum rotation_action action;
    enum rotation_event_type event;
    struct remote *key; /* that it is made with */
    struct answer answer;
    struct remote_key told;
    struct remote *made;
    enum secret_fit fit;
    struct remote_key *keys;
    size_t n_keys;
    bool counts;
    usec_t served_at;
};
void huechat_send(struct simulation *s, struct request *request);
void request_free(void *request);

/* people.c: persons, apps, and other forces from outside */
void people_settle(struct simulation *s); /* before time begins */
void people_reminded(struct simulation *s, struct app *app);
void people_announced(struct simulation *s, struct app *app);
void people_calm_down(struct simulation *s);

/* judge.c: the invariants */
void judge_step(struct simulation *s);
void judge_commit(struct simulation *s, const struct rotation *r, enum rotation_change change);
void judge_create(struct simulation *s, const struct request *request);
void judge_delete(struct simulation *s, const struct request *request);
void judge_killed(struct simulation *s, struct app *app, const struct remote *remote);
void judge_probe_old(struct simulation *s, const struct rotation *r);
void judge_call(struct simulation *s, const struct rotation *r);
bool judge_is_at_rest(struct simulation *s, const char **ret_why, struct app **ret_app);
