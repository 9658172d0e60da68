/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of accounts, and what the kernel still says of a process. */
#include "daemon/bus/caller.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

#include <glib.h>

#include "daemon/io/process.h"
#include "daemon/util/text.h"

struct caller *caller_free(struct caller *caller)
{
    if (caller == NULL)
        return NULL;
    g_free(caller->sender);
    g_free(caller->unit);
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

/* All of them: a user may be in thousands. The caller frees it (g_free). */
static gid_t *group_ids_of(const struct passwd *user, int *ret_n)
{
    gid_t *ids = NULL;
    int room = 64, n;

    do {
        n = room;
        ids = g_renew(gid_t, ids, (gsize)room);
        if (getgrouplist(user->pw_name, user->pw_gid, ids, &n) >= 0)
            break;
        room = MAX(n, 2 * room);
    } while (room <= NGROUPS_MAX + 1);
    *ret_n = MIN(n, room);
    return ids;
}

static char **groups_of(const struct passwd *user)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    int n;
    g_autofree gid_t *ids = group_ids_of(user, &n);

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
    const struct passwd *user = uid != (uid_t)-1 ? getpwuid(uid) : NULL;

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
    g_autofree char *user = text_printable(caller->user, TEXT_NAME_MAX);
    g_autofree char *what = holder_describe(&caller->holder);

    caller->text = g_strdup_printf("%s, %s", user != NULL ? user : uid, what);
}

/* A user's manager is no service of anybody's: what runs under it are that user's programs, one by one. */
static bool is_holder(const char *unit)
{
    return unit != NULL && !g_str_has_prefix(unit, "user@");
}

/* The service's invocation, or where no manager looks after one, the process. */
static void find_holder(struct caller *caller, bool system_mode)
{
    struct holder *holder = &caller->holder;
    const char *unit = caller->subject.unit;
    char *invocation = is_holder(unit) ? unit_invocation(unit, !system_mode) : NULL;

    holder->boot_id = process_boot_id();
    holder->command = process_name(holder->pid);
    holder->unit = g_strdup(invocation != NULL ? unit : "");
    holder->invocation_id = invocation != NULL ? invocation : g_strdup("");
    if (invocation == NULL)
        process_start_time(holder->pid, &holder->start_time);
}

/* In system mode a unit counts if its user is the caller's: what a service runs as somebody else is not the
 * service, and a number may be another process's by now. */
static void take_unit(struct caller *caller, const struct unit *unit, bool system_mode)
{
    uid_t uid = caller->subject.uid;
    bool same = unit->uid == uid || (unit->uid == (uid_t)-1 && uid == 0);

    caller->unit = g_strdup(unit->name);
    if (system_mode && !same) {
        caller->subject.doubted_unit = caller->unit;
        return;
    }
    caller->subject.unit = caller->unit;
    caller->subject.unit_is_strong = system_mode && uid != 0;
}

struct caller *caller_new(uid_t uid, pid_t pid, const struct unit *unit, bool system_mode)
{
    struct caller *caller = g_new0(struct caller, 1);

    caller->holder.pid = pid;
    name_user(caller, uid);
    if (unit->answer == UNIT_FOUND && unit_name_is_valid(unit->name))
        take_unit(caller, unit, system_mode);
    find_holder(caller, system_mode);
    describe(caller);
    return caller;
}
