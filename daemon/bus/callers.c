/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus vouches for uid and pid. The rest is asked while a pidfd pins the process: the bus's own, or one of
 * ours, and then the bus is asked for the pid once more. A process that ended meanwhile is nobody. */
#include "daemon/bus/callers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

#include "daemon/io/process.h"
#include "daemon/util/cleanup.h"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

struct callers {
    sd_bus *bus;
    bool system_mode;
    GHashTable *known; /* unique name -> caller */
    GPtrArray *asking; /* struct question, not answered yet */
    sd_bus_slot *gone;
};

/* What the bus says of a name. */
struct credentials {
    uid_t uid;
    pid_t pid;
    int pidfd; /* -1: the bus has none */
};

struct question {
    struct callers *callers;
    sd_bus_message *call;
    char *name; /* on the bus; NULL: a process is asked about */
    caller_fn fn;
    void *userdata;
    sd_bus_slot *slot;
    struct unit_question *unit;
    struct credentials credentials;
    struct caller *caller;
};

static void free_caller(void *caller)
{
    caller_free(caller);
}

static void free_question(void *data)
{
    struct question *question = data;

    sd_bus_slot_unref(question->slot);
    unit_question_free(question->unit);
    sd_bus_message_unref(question->call);
    kt_close_p(&question->credentials.pidfd);
    caller_free(question->caller);
    g_free(question->name);
    g_free(question);
}

static bool is_alive(int pidfd)
{
    struct pollfd item = {.fd = pidfd, .events = POLLIN};

    return pidfd >= 0 && poll(&item, 1, 0) == 0;
}

static int read_one(sd_bus_message *reply, struct credentials *credentials)
{
    const char *name;
    uint32_t number;
    int fd, r;

    r = sd_bus_message_read(reply, "s", &name);
    if (r < 0)
        return r;
    if (strcmp(name, "UnixUserID") == 0) {
        r = sd_bus_message_read(reply, "v", "u", &number);
        if (r >= 0)
            credentials->uid = (uid_t)number;
    } else if (strcmp(name, "ProcessID") == 0) {
        r = sd_bus_message_read(reply, "v", "u", &number);
        if (r >= 0)
            credentials->pid = (pid_t)number;
    } else if (strcmp(name, "ProcessFD") == 0) {
        r = sd_bus_message_read(reply, "v", "h", &fd);
        if (r >= 0)
            credentials->pidfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    } else {
        r = sd_bus_message_skip(reply, "v");
    }
    return r;
}

/* The caller closes ret->pidfd. */
static int read_credentials(sd_bus_message *reply, struct credentials *ret)
{
    struct credentials found = {.uid = (uid_t)-1, .pidfd = -1};
    int r = sd_bus_message_is_method_error(reply, NULL) ? -ENOENT
                                                        : sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = read_one(reply, &found);
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    if (r >= 0 && (found.uid == (uid_t)-1 || found.pid <= 0))
        r = -ENODATA;
    if (r < 0)
        kt_close_p(&found.pidfd);
    else
        *ret = found;
    return r;
}

static int ask(struct question *question, sd_bus_message_handler_t handler)
{
    question->slot = sd_bus_slot_unref(question->slot);
    return sd_bus_call_method_async(question->callers->bus, &question->slot, BUS, BUS_PATH, BUS,
                                    "GetConnectionCredentials", handler, question, "s", question->name);
}

/* Answers and forgets the question. */
static void settle(struct question *question, const struct caller *caller)
{
    question->fn(caller, question->call, question->userdata);
    g_ptr_array_remove(question->callers->asking, question);
}

static int second_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;
    const struct credentials *first = &question->credentials;
    struct credentials second = {.pidfd = -1};
    struct caller *caller = NULL;

    if (read_credentials(reply, &second) >= 0 && second.uid == first->uid && second.pid == first->pid &&
        is_alive(first->pidfd)) {
        caller = g_steal_pointer(&question->caller);
        caller->sender = g_strdup(question->name);
        g_hash_table_insert(question->callers->known, caller->sender, caller);
    }
    kt_close_p(&second.pidfd);
    settle(question, caller);
    return 0;
}

static void unit_told(const struct unit *unit, void *userdata)
{
    struct question *question = userdata;
    const struct credentials *known = &question->credentials;
    uid_t uid = known->uid != (uid_t)-1 ? known->uid : unit->uid;

    question->caller = caller_new(uid, known->pid, unit, question->callers->system_mode);
    if (question->name == NULL)
        settle(question, is_alive(known->pidfd) ? question->caller : NULL);
    else if (ask(question, second_answer) < 0)
        settle(question, NULL);
}

/* The process is known by its pidfd: now its unit. */
static void look(struct question *question, bool exact)
{
    const struct credentials *known = &question->credentials;
    g_autofree char *unit = NULL;

    if (question->callers->system_mode) {
        question->unit =
            unit_ask(question->callers->bus, known->pid, known->pidfd, exact, unit_told, question);
        if (question->unit != NULL)
            return;
    } else {
        unit = process_unit(known->pid, true);
    }
    unit_told(&(struct unit){.name = unit, .uid = known->uid}, question);
}

static int first_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;
    struct credentials *found = &question->credentials;
    bool exact;

    if (read_credentials(reply, found) >= 0) {
        exact = found->pidfd >= 0;
        if (!exact)
            found->pidfd = (int)syscall(SYS_pidfd_open, found->pid, 0);
        if (is_alive(found->pidfd)) {
            look(question, exact);
            return 0;
        }
    }
    settle(question, NULL);
    return 0;
}

static struct question *question_new(struct callers *callers, sd_bus_message *call, caller_fn fn,
                                     void *userdata)
{
    struct question *question = g_new0(struct question, 1);

    *question = (struct question){.callers = callers,
                                  .call = sd_bus_message_ref(call),
                                  .fn = fn,
                                  .userdata = userdata,
                                  .credentials = {.uid = (uid_t)-1, .pidfd = -1}};
    g_ptr_array_add(callers->asking, question);
    return question;
}

void callers_look_at_name(struct callers *callers, const char *name, sd_bus_message *call, caller_fn fn,
                          void *userdata)
{
    const struct caller *known = name != NULL ? g_hash_table_lookup(callers->known, name) : NULL;
    struct question *question;

    if (known != NULL || name == NULL) {
        fn(known, call, userdata);
        return;
    }
    question = question_new(callers, call, fn, userdata);
    question->name = g_strdup(name);
    if (ask(question, first_answer) < 0)
        settle(question, NULL);
}

void callers_identify(struct callers *callers, sd_bus_message *call, caller_fn fn, void *userdata)
{
    callers_look_at_name(callers, sd_bus_message_get_sender(call), call, fn, userdata);
}

void callers_look_at_process(struct callers *callers, pid_t pid, sd_bus_message *call, caller_fn fn,
                             void *userdata)
{
    struct question *question = question_new(callers, call, fn, userdata);
    g_autofree char *path = g_strdup_printf("/proc/%d", (int)pid);
    struct stat status;

    question->credentials.pid = pid;
    question->credentials.pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (stat(path, &status) == 0)
        question->credentials.uid = status.st_uid; /* else hidden from us, in system mode */
    if (is_alive(question->credentials.pidfd))
        look(question, false);
    else
        settle(question, NULL);
}

static int name_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct callers *callers = userdata;
    const char *name;

    if (sd_bus_message_read(signal, "s", &name) >= 0)
        g_hash_table_remove(callers->known, name);
    return 0;
}

struct callers *callers_new(sd_bus *bus, bool system_mode)
{
    struct callers *callers = g_new0(struct callers, 1);

    *callers = (struct callers){
        .bus = bus,
        .system_mode = system_mode,
        .known = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_caller),
        .asking = g_ptr_array_new_with_free_func(free_question),
    };
    if (sd_bus_add_match_async(bus, &callers->gone,
                               "type='signal',sender='" BUS "',path='" BUS_PATH "',interface='" BUS
                               "',member='NameOwnerChanged',arg2=''",
                               name_gone, NULL, callers) < 0)
        return callers_free(callers);
    return callers;
}

struct callers *callers_free(struct callers *callers)
{
    if (callers == NULL)
        return NULL;
    sd_bus_slot_unref(callers->gone);
    g_ptr_array_unref(callers->asking);
    g_hash_table_destroy(callers->known);
    g_free(callers);
    return NULL;
}
