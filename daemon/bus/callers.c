/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus vouches for uid and pid. The rest is asked while a pidfd pins the process: the bus's own, or one of
 * ours, and then the bus is asked for the pid once more. A process that ended meanwhile is nobody. There is
 * one question about a sender at a time, which its later calls join. */
#include "daemon/bus/callers.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

#include "daemon/bus/departures.h"
#include "daemon/bus/peer.h"
#include "daemon/bus/quota.h"
#include "daemon/bus/units.h"
#include "daemon/bus/waiters.h"
#include "daemon/io/process.h"
#include "daemon/util/cleanup.h"

#define PATIENCE (2 * USEC_PER_SEC)
#define QUESTIONS_EACH 128
#define QUESTIONS_ALL 512

struct callers {
    sd_event *event;
    sd_bus *bus;
    struct units *units; /* NULL: in user mode */
    bool system_mode;
    GHashTable *known;       /* unique name -> caller */
    GHashTable *asking;      /* whom it is about -> question */
    struct quota *questions; /* with a descriptor of the process each */
    sd_bus_slot *gone;
};

struct question {
    struct callers *callers;
    char *about; /* a name on the bus, or "pid:4711" */
    struct waiters *waiters;
    sd_bus_slot *slot;
    struct unit_question *unit;
    struct peer peer;
    struct caller *caller;
    sd_event_source *patience; /* with systemd */
    struct caller *so_far;     /* that patience is at its end; else NULL */
    uid_t counted;             /* whose share it takes; (uid_t)-1: nobody's yet */
};

static void free_caller(void *caller)
{
    caller_free(caller);
}

static void free_question(void *data)
{
    struct question *question = data;

    if (question->counted != (uid_t)-1)
        quota_give_back(question->callers->questions, question->counted);
    sd_bus_slot_unref(question->slot);
    sd_event_source_disable_unref(question->patience);
    unit_question_free(question->unit);
    caller_free(question->so_far);
    waiters_free(question->waiters);
    kt_close_p(&question->peer.pidfd);
    caller_free(question->caller);
    g_free(question->about);
    g_free(question);
}

static bool is_about_name(const struct question *question)
{
    return *question->about == ':';
}

static int ask_bus(struct question *question, sd_bus_message_handler_t handler)
{
    question->slot = sd_bus_slot_unref(question->slot);
    return peer_ask(question->callers->bus, &question->slot, question->about, handler, question);
}

/* Answers all that wait, and forgets the question. */
static void settle(struct question *question, enum caller_answer answer)
{
    struct callers *callers = question->callers;
    struct caller *caller = answer == CALLER_KNOWN ? question->caller : NULL;

    g_hash_table_steal(callers->asking, question->about);
    if (caller != NULL && is_about_name(question)) {
        question->caller = NULL;
        caller->sender = g_strdup(question->about);
        g_hash_table_replace(callers->known, caller->sender, caller);
    }
    waiters_tell(question->waiters, answer, caller);
    free_question(question);
}

static void settle_failed(struct question *question, int r)
{
    settle(question, r == -ENXIO ? CALLER_LEFT : r == -ENODATA ? CALLER_UNKNOWN : CALLER_BUSY);
}

static int second_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;
    const struct peer *first = &question->peer;
    struct peer second = {.pidfd = -1};
    int r = peer_read(reply, &second);
    bool same = r >= 0 && second.uid == first->uid && second.pid == first->pid && peer_is_alive(first->pidfd);

    kt_close_p(&second.pidfd);
    if (r < 0)
        settle_failed(question, r);
    else
        settle(question, same ? CALLER_KNOWN : CALLER_UNKNOWN);
    return 0;
}

/* Of a process that is hidden from us only its unit tells the user, and not for certain. */
static void name_caller(struct question *question, const struct unit *unit)
{
    const struct peer *known = &question->peer;
    bool is_assumed = known->uid == (uid_t)-1 && unit->answer == UNIT_FOUND;
    uid_t assumed = unit->uid == (uid_t)-1 ? 0 : unit->uid;

    question->caller =
        caller_new(is_assumed ? assumed : known->uid, known->pid, unit, question->callers->system_mode);
    if (is_assumed)
        question->caller->subject.unit_is_strong = false;
}

static void unit_told(const struct unit *unit, void *userdata)
{
    struct question *question = userdata;

    question->unit = NULL;
    if (unit->answer == UNIT_UNKNOWN) {
        settle(question, CALLER_BUSY);
        return;
    }
    name_caller(question, unit);
    if (!is_about_name(question))
        settle(question, peer_is_alive(question->peer.pidfd) ? CALLER_KNOWN : CALLER_UNKNOWN);
    else if (ask_bus(question, second_answer) < 0)
        settle(question, CALLER_BUSY);
}

/* Tells those for whom what is known will do; the others go on waiting. */
static int on_patience(sd_event_source *source, uint64_t when, void *userdata)
{
    struct question *question = userdata;
    const struct peer *known = &question->peer;

    if (!peer_is_alive(known->pidfd))
        return 0;
    question->so_far = caller_new(known->uid, known->pid, &(struct unit){.answer = UNIT_NONE},
                                  question->callers->system_mode);
    question->so_far->sender = g_strdup(question->about);
    waiters_tell_so_far(question->waiters, question->so_far);
    return 0;
}

static void look_at_unit_ourselves(struct question *question)
{
    const struct peer *known = &question->peer;
    g_autofree char *name = NULL;
    int r = process_unit(known->pid, true, &name);

    unit_told(&(struct unit){.answer = r < 0          ? UNIT_UNKNOWN
                                       : name != NULL ? UNIT_FOUND
                                                      : UNIT_NONE,
                             .name = name,
                             .uid = known->uid},
              question);
}

/* The process is known by its pidfd: now its unit. */
static void look_at_unit(struct question *question, bool exact)
{
    const struct peer *known = &question->peer;
    struct units *units = question->callers->units;

    if (units == NULL) {
        look_at_unit_ourselves(question);
        return;
    }
    question->unit = unit_ask(units, known->uid, known->pid, known->pidfd, exact, unit_told, question);
    if (question->unit == NULL ||
        (is_about_name(question) &&
         sd_event_add_time_relative(question->callers->event, &question->patience, CLOCK_BOOTTIME, PATIENCE,
                                    0, on_patience, question) < 0))
        settle(question, CALLER_BUSY);
}

/* r: why there is no pidfd. Without a descriptor to be had nobody is known, and nobody is refused. */
static void look_at_process(struct question *question, bool exact, int r)
{
    const struct peer *known = &question->peer;

    if (known->pidfd < 0)
        settle(question, r == ESRCH ? CALLER_UNKNOWN : CALLER_BUSY);
    else if (!peer_is_alive(known->pidfd))
        settle(question, CALLER_UNKNOWN);
    else if (!quota_take(question->callers->questions, known->uid))
        settle(question, CALLER_BUSY);
    else {
        question->counted = known->uid;
        look_at_unit(question, exact);
    }
}

static int first_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;
    struct peer *found = &question->peer;
    int r = peer_read(reply, found);
    bool exact = r >= 0 && found->pidfd >= 0;

    if (r < 0) {
        settle_failed(question, r);
        return 0;
    }
    if (!exact)
        found->pidfd = (int)syscall(SYS_pidfd_open, found->pid, 0);
    look_at_process(question, exact, errno);
    return 0;
}

static struct question *question_new(struct callers *callers, const char *about)
{
    struct question *question = g_new0(struct question, 1);

    *question = (struct question){.callers = callers,
                                  .about = g_strdup(about),
                                  .waiters = waiters_new(),
                                  .counted = (uid_t)-1,
                                  .peer = {.uid = (uid_t)-1, .pidfd = -1}};
    g_hash_table_insert(callers->asking, question->about, question);
    return question;
}

/* False: it takes no more, and fn has been told. */
static bool join(struct question *question, sd_bus_message *call, caller_enough_fn enough, caller_fn fn,
                 void *userdata)
{
    return waiters_add(question->waiters, call, question->so_far, enough, fn, userdata);
}

static void look_at_name(struct callers *callers, const char *name, sd_bus_message *call,
                         caller_enough_fn enough, caller_fn fn, void *userdata)
{
    const struct caller *known = name != NULL ? g_hash_table_lookup(callers->known, name) : NULL;
    struct question *question;

    if (known != NULL || name == NULL) {
        fn(known != NULL ? CALLER_KNOWN : CALLER_UNKNOWN, known, call, userdata);
        return;
    }
    question = g_hash_table_lookup(callers->asking, name);
    if (question != NULL) {
        join(question, call, enough, fn, userdata);
        return;
    }
    question = question_new(callers, name);
    if (!join(question, call, enough, fn, userdata))
        g_hash_table_remove(callers->asking, name);
    else if (ask_bus(question, first_answer) < 0)
        settle(question, CALLER_BUSY);
}

static bool is_never_enough(const struct caller *so_far, sd_bus_message *call, void *userdata)
{
    return false;
}

void callers_look_at_name(struct callers *callers, const char *name, sd_bus_message *call, caller_fn fn,
                          void *userdata)
{
    look_at_name(callers, name, call, is_never_enough, fn, userdata);
}

void callers_identify(struct callers *callers, sd_bus_message *call, caller_enough_fn enough, caller_fn fn,
                      void *userdata)
{
    look_at_name(callers, sd_bus_message_get_sender(call), call, enough, fn, userdata);
}

const struct caller *callers_find(struct callers *callers, const char *sender)
{
    const struct caller *known = sender != NULL ? g_hash_table_lookup(callers->known, sender) : NULL;
    const struct question *question =
        known == NULL && sender != NULL ? g_hash_table_lookup(callers->asking, sender) : NULL;

    return question != NULL ? question->so_far : known;
}

void callers_look_at_process(struct callers *callers, pid_t pid, sd_bus_message *call, caller_fn fn,
                             void *userdata)
{
    g_autofree char *about = g_strdup_printf("pid:%d", (int)pid);
    g_autofree char *path = g_strdup_printf("/proc/%d", (int)pid);
    struct question *question = g_hash_table_lookup(callers->asking, about);
    struct stat status;
    int r;

    if (question != NULL) {
        join(question, call, is_never_enough, fn, userdata);
        return;
    }
    question = question_new(callers, about);
    if (!join(question, call, is_never_enough, fn, userdata)) {
        g_hash_table_remove(callers->asking, about);
        return;
    }
    question->peer.pid = pid;
    question->peer.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    r = errno;
    if (stat(path, &status) == 0)
        question->peer.uid = status.st_uid; /* else hidden from us, in system mode */
    look_at_process(question, false, question->peer.pidfd < 0 ? r : 0);
}

static int name_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct callers *callers = userdata;
    const char *name = departures_name(signal);
    struct question *question = name != NULL ? g_hash_table_lookup(callers->asking, name) : NULL;

    if (name != NULL)
        g_hash_table_remove(callers->known, name);
    if (question != NULL)
        settle(question, CALLER_LEFT);
    return 0;
}

int callers_new(sd_event *event, sd_bus *bus, bool system_mode, struct callers **ret)
{
    struct callers *callers = g_new0(struct callers, 1);
    int r;

    *callers = (struct callers){
        .event = event,
        .bus = bus,
        .questions = quota_new(QUESTIONS_EACH, QUESTIONS_ALL),
        .system_mode = system_mode,
        .known = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_caller),
        .asking = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_question),
    };
    r = system_mode ? units_new(event, &callers->units) : 0;
    if (r >= 0)
        r = departures_watch(bus, &callers->gone, name_gone, callers);
    if (r < 0) {
        callers_free(callers);
        return r;
    }
    *ret = callers;
    return 0;
}

static void leave_all(struct callers *callers)
{
    GHashTableIter iter;
    void *question;

    while (g_hash_table_iter_init(&iter, callers->asking), g_hash_table_iter_next(&iter, NULL, &question))
        settle(question, CALLER_LEFT);
}

struct callers *callers_free(struct callers *callers)
{
    if (callers == NULL)
        return NULL;
    sd_bus_slot_unref(callers->gone);
    leave_all(callers);
    units_free(callers->units);
    g_hash_table_destroy(callers->asking);
    g_hash_table_destroy(callers->known);
    quota_free(callers->questions);
    g_free(callers);
    return NULL;
}
