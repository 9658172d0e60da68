/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus vouches for uid and pid; unit and start time are read from the kernel while a pidfd pins the
 * process, and the bus is asked for the pid once more. A process that ended meanwhile is nobody. */
#include "daemon/bus/caller.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
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

struct question {
    struct callers *callers;
    sd_bus_message *call;
    sd_bus_slot *slot;
    caller_fn fn;
    void *userdata;
    uid_t uid;
    pid_t pid;
    int pidfd;
    struct caller *caller;
};

struct caller *caller_free(struct caller *caller)
{
    if (caller == NULL)
        return NULL;
    g_free(caller->sender);
    g_free(caller->user);
    g_strfreev(caller->groups);
    g_free(caller->holder.boot_id);
    g_free(caller->holder.unit);
    g_free(caller->holder.invocation_id);
    g_free(caller->holder.command);
    g_free(caller->text);
    g_free(caller);
    return NULL;
}

static void free_caller(void *caller)
{
    caller_free(caller);
}

static void free_question(void *data)
{
    struct question *question = data;

    sd_bus_slot_unref(question->slot);
    sd_bus_message_unref(question->call);
    kt_close_p(&question->pidfd);
    caller_free(question->caller);
    g_free(question);
}

static char **groups_of(const struct passwd *user)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    gid_t ids[64];
    int n = G_N_ELEMENTS(ids);

    if (getgrouplist(user->pw_name, user->pw_gid, ids, &n) < 0)
        n = G_N_ELEMENTS(ids);
    for (int i = 0; i < n; i++) {
        const struct group *group = getgrgid(ids[i]);
        if (group != NULL)
            g_ptr_array_add(names, g_strdup(group->gr_name));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

static void name_user(struct caller *caller, uid_t uid)
{
    const struct passwd *user = getpwuid(uid);

    caller->holder.uid = uid;
    caller->subject.uid = uid;
    if (user == NULL)
        return;
    caller->user = g_strdup(user->pw_name);
    caller->groups = groups_of(user);
    caller->subject.user = caller->user;
    caller->subject.groups = caller->groups;
}

static void describe(struct caller *caller)
{
    g_autofree char *uid = g_strdup_printf("uid %u", (unsigned)caller->holder.uid);
    g_autofree char *what = holder_describe(&caller->holder);

    caller->text = g_strdup_printf("%s, %s", caller->user != NULL ? caller->user : uid, what);
}

static struct caller *look(uid_t uid, pid_t pid, bool system_mode)
{
    struct caller *caller = g_new0(struct caller, 1);
    struct holder *holder = &caller->holder;

    name_user(caller, uid);
    holder->pid = pid;
    holder->boot_id = process_boot_id();
    holder->command = process_name(pid);
    holder->unit = process_unit(pid, !system_mode);
    if (holder->unit != NULL)
        holder->invocation_id = unit_invocation(holder->unit, !system_mode);
    caller->subject.unit = holder->unit;
    caller->subject.unit_is_strong = system_mode && uid != 0;
    if (holder->invocation_id ==
        NULL) { /* no service that a manager looks after: the process is the holder */
        holder->unit = holder->unit != NULL ? holder->unit : g_strdup("");
        holder->invocation_id = g_strdup("");
        process_start_time(pid, &holder->start_time);
    }
    describe(caller);
    return caller;
}

struct caller *caller_of_process(pid_t pid, bool system_mode)
{
    g_autofree char *path = g_strdup_printf("/proc/%d", (int)pid);
    struct stat status;

    return stat(path, &status) < 0 ? NULL : look(status.st_uid, pid, system_mode);
}

static bool is_alive(int pidfd)
{
    struct pollfd item = {.fd = pidfd, .events = POLLIN};

    return pidfd >= 0 && poll(&item, 1, 0) == 0;
}

static int read_credentials(sd_bus_message *reply, uid_t *ret_uid, pid_t *ret_pid)
{
    uint32_t uid = UINT32_MAX, pid = 0;
    const char *name;
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0 && strcmp(name, "UnixUserID") == 0)
            r = sd_bus_message_read(reply, "v", "u", &uid);
        else if (r >= 0 && strcmp(name, "ProcessID") == 0)
            r = sd_bus_message_read(reply, "v", "u", &pid);
        else if (r >= 0)
            r = sd_bus_message_skip(reply, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    if (r < 0)
        return r;
    if (uid == UINT32_MAX || pid == 0)
        return -ENODATA;
    *ret_uid = uid;
    *ret_pid = (pid_t)pid;
    return 0;
}

static int ask(struct question *question, sd_bus_message_handler_t handler)
{
    question->slot = sd_bus_slot_unref(question->slot);
    return sd_bus_call_method_async(question->callers->bus, &question->slot, BUS, BUS_PATH, BUS,
                                    "GetConnectionCredentials", handler, question, "s",
                                    sd_bus_message_get_sender(question->call));
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
    struct callers *callers = question->callers;
    const struct caller *caller = NULL;
    uid_t uid;
    pid_t pid;

    if (!sd_bus_message_is_method_error(reply, NULL) && read_credentials(reply, &uid, &pid) == 0 &&
        uid == question->uid && pid == question->pid && is_alive(question->pidfd)) {
        question->caller->sender = g_strdup(sd_bus_message_get_sender(question->call));
        caller = question->caller;
        g_hash_table_insert(callers->known, caller->sender, g_steal_pointer(&question->caller));
    }
    settle(question, caller);
    return 0;
}

static int first_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;

    if (!sd_bus_message_is_method_error(reply, NULL) &&
        read_credentials(reply, &question->uid, &question->pid) == 0) {
        question->pidfd = (int)syscall(SYS_pidfd_open, question->pid, 0);
        if (is_alive(question->pidfd)) {
            question->caller = look(question->uid, question->pid, question->callers->system_mode);
            if (ask(question, second_answer) >= 0)
                return 0;
        }
    }
    settle(question, NULL);
    return 0;
}

void callers_identify(struct callers *callers, sd_bus_message *call, caller_fn fn, void *userdata)
{
    const char *sender = sd_bus_message_get_sender(call);
    const struct caller *known = sender != NULL ? g_hash_table_lookup(callers->known, sender) : NULL;
    struct question *question;

    if (known != NULL || sender == NULL) {
        fn(known, call, userdata);
        return;
    }
    question = g_new0(struct question, 1);
    *question = (struct question){
        .callers = callers, .call = sd_bus_message_ref(call), .fn = fn, .userdata = userdata, .pidfd = -1};
    g_ptr_array_add(callers->asking, question);
    if (ask(question, first_answer) >= 0)
        return;
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
