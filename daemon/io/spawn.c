/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* posix_spawn with everything of ours taken away. */
#include "daemon/io/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/socket.h>

#include <glib.h>

#include "daemon/util/cleanup.h"
#include "daemon/util/sockets.h"

#define BUS_FD 3
#define BUS_FD_TEXT "3"

/* What a helper may know of our environment: where its user's files and bus are, and how to write dates. */
static bool is_passed_on(const char *variable)
{
    static const char *const names[] = {"PATH=", "HOME=", "DBUS_SESSION_BUS_ADDRESS=", "LANG=", "TZ="};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_has_prefix(variable, names[i]))
            return true;
    return g_str_has_prefix(variable, "XDG_") || g_str_has_prefix(variable, "LC_") ||
           g_pattern_match_simple("*SAN_OPTIONS=*", variable);
}

/* The texts are borrowed from ours; the caller frees the array. */
static char **environment_new(void)
{
    GPtrArray *variables = g_ptr_array_new();

    for (char **p = environ; *p != NULL; p++)
        if (is_passed_on(*p))
            g_ptr_array_add(variables, *p);
    g_ptr_array_add(variables, NULL);
    return (char **)g_ptr_array_free(variables, FALSE);
}

static int set_files(posix_spawn_file_actions_t *files, int bus_fd, int output_fd)
{
    int r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (r == 0)
        r = posix_spawn_file_actions_adddup2(files, output_fd, STDOUT_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(files, output_fd, STDERR_FILENO);
    if (r == 0)
        r = posix_spawn_file_actions_adddup2(files, bus_fd, BUS_FD);
    if (r == 0)
        r = posix_spawn_file_actions_addclosefrom_np(files, BUS_FD + 1);
    return r;
}

/* A process group of its own, so that Ctrl-C in a terminal ends us and not a request under way. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    int r;

    sigemptyset(&none);
    sigfillset(&all);
    r = posix_spawnattr_setflags(attributes,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (r == 0)
        r = posix_spawnattr_setsigmask(attributes, &none);
    if (r == 0)
        r = posix_spawnattr_setsigdefault(attributes, &all);
    if (r == 0)
        r = posix_spawnattr_setpgroup(attributes, 0);
    return r;
}

static int spawn(const char *program, const char *readable, int bus_fd, int output_fd, pid_t *ret)
{
    char *const arguments[] = {(char *)program,  "--bus-fd", BUS_FD_TEXT, readable != NULL ? "--read" : NULL,
                               (char *)readable, NULL};
    g_autofree char **variables = environment_new();
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int r;

    r = posix_spawn_file_actions_init(&files);
    if (r != 0)
        return -r;
    r = posix_spawnattr_init(&attributes);
    if (r == 0) {
        r = set_files(&files, bus_fd, output_fd);
        if (r == 0)
            r = set_attributes(&attributes);
        if (r == 0)
            r = posix_spawn(ret, program, &files, &attributes, arguments, variables);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&files);
    return -r;
}

/* Takes over both. When the event loop ends nothing is flushed: a helper that hangs must not keep us. That
 * descriptors are negotiated stays as it is: sd-bus would abort over a helper that agrees unasked. */
static int connect_bus(int in, int out, sd_bus **ret)
{
    _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
    int r;

    r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_fd(bus, in, out);
    if (r < 0) {
        close(in);
        close(out);
        return r;
    }
    r = sd_bus_set_close_on_exit(bus, false);
    if (r >= 0)
        r = sd_bus_start(bus);
    if (r >= 0)
        *ret = g_steal_pointer(&bus);
    return r;
}

/* ours is taken over; what comes from there passes a gate. */
static int connect_helper(sd_event *event, int ours, sd_bus **ret, struct gate **ret_gate)
{
    int in, r = socket_refuse_descriptors(ours);

    if (r >= 0)
        r = gate_new(event, ours, &in, ret_gate);
    if (r < 0) {
        close(ours);
        return r;
    }
    r = connect_bus(in, ours, ret);
    if (r < 0)
        *ret_gate = gate_free(*ret_gate);
    return r;
}

pid_t spawn_helper(sd_event *event, const char *program, const char *readable, int output_fd, sd_bus **ret,
                   struct gate **ret_gate)
{
    _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
    _cleanup_close_ int theirs = -1;
    struct gate *gate = NULL;
    pid_t pid;
    int pair[2], r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    theirs = pair[1];
    r = connect_helper(event, pair[0], &bus, &gate);
    if (r >= 0)
        r = spawn(program, readable, theirs, output_fd, &pid);
    if (r < 0) {
        gate_free(gate);
        return r;
    }
    *ret_gate = gate;
    *ret = g_steal_pointer(&bus);
    return pid;
}
