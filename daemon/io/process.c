/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small reads of /proc/PID and of the managers' units directories. */
#include "daemon/io/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <systemd/sd-id128.h>
#include <systemd/sd-login.h>

#include "daemon/util/text.h"

#define STAT_START_TIME 19 /* fields behind the comm's parenthesis, see proc(5) */

char *process_boot_id(void)
{
    char text[SD_ID128_STRING_MAX];
    sd_id128_t id;

    if (sd_id128_get_boot(&id) < 0)
        return g_strdup("");
    return g_strdup(sd_id128_to_string(id, text));
}

static char *read_proc(pid_t pid, const char *file)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, file);
    char *content = NULL;

    return g_file_get_contents(path, &content, NULL, NULL) ? content : NULL;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
    g_autofree char *stat = read_proc(pid, "stat");
    g_auto(GStrv) fields = NULL;
    const char *rest;

    if (stat == NULL)
        return kill(pid, 0) < 0 && errno == ESRCH ? -ESRCH : -EACCES;
    rest = strrchr(stat, ')');
    if (rest == NULL)
        return -EACCES;
    fields = g_strsplit(rest + 1, " ", -1);
    if (g_strv_length(fields) <= STAT_START_TIME + 1)
        return -EACCES;
    *ret = g_ascii_strtoull(fields[STAT_START_TIME + 1], NULL, 10);
    return 0;
}

char *process_name(pid_t pid)
{
    g_autofree char *comm = read_proc(pid, "comm");

    return comm != NULL ? text_printable(g_strstrip(comm), TEXT_NAME_MAX) : g_strdup("");
}

/* What sd-login says where a process is in no unit of that manager, or where there is no manager at all. */
static bool means_no_unit(int r)
{
    return r == -ENODATA || r == -ENXIO || r == -ENOMEDIUM;
}

int process_unit(pid_t pid, bool user, char **ret)
{
    char *unit = NULL;
    int r = user ? sd_pid_get_user_unit(pid, &unit) : sd_pid_get_unit(pid, &unit);

    if (r < 0 && !means_no_unit(r))
        return r;
    *ret = r >= 0 && g_str_has_suffix(unit, ".service") && text_is_printable(unit) ? g_strdup(unit) : NULL;
    free(unit);
    return 0;
}

char *unit_invocation(const char *unit, bool user)
{
    const char *runtime = user ? g_getenv("XDG_RUNTIME_DIR") : "/run";
    g_autofree char *path = NULL;
    char target[64];
    ssize_t n;

    if (runtime == NULL || strchr(unit, '/') != NULL)
        return NULL;
    path = g_strdup_printf("%s/systemd/units/invocation:%s", runtime, unit);
    n = readlink(path, target, sizeof target);
    if (n <= 0 || n >= (ssize_t)sizeof target)
        return NULL;
    target[n] = '\0';
    return text_is_printable(target) ? g_strdup(target) : NULL;
}
