/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn-secret-service: lets keyturnd keep keys in the Secret Service. May touch the session bus and the
 * one socket to keyturnd that it was started with. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "config.h"
#include "daemon/helpers/secret-service/object.h"
#include "daemon/util/cleanup.h"

static const char help[] = "keyturn-secret-service --bus-fd N\n"
                           "\n"
                           "Keeps the keys of keyturnd in the Secret Service. keyturnd starts it.\n"
                           "\n"
                           "  --bus-fd N   the socket to keyturnd\n"
                           "  --help       show this text\n"
                           "  --version    show the version\n";

/* 1: *ret_fd is the socket; 0: all done; negative: a usage error, already told. */
static int parse_arguments(int argc, char **argv, int *ret_fd)
{
    static const struct option options[] = {
        {"bus-fd", required_argument, NULL, 'b'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {},
    };
    const char *number = NULL;
    char *end = NULL;
    long fd;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == '?')
            return -EINVAL;
        if (option == 'h')
            return fputs(help, stdout) < 0 ? -EIO : 0;
        if (option == 'v')
            return puts("keyturn-secret-service " KT_VERSION) < 0 ? -EIO : 0;
        number = optarg;
    }
    fd = number ? strtol(number, &end, 10) : -1;
    if (optind < argc || fd < 0 || fd > INT_MAX || end == number || *end) {
        fputs("keyturn-secret-service: keyturnd starts this program: start keyturnd\n", stderr);
        return -EINVAL;
    }
    *ret_fd = (int)fd;
    return 1;
}

/* The parent made the socket: if it is another process by now, it died before the signal was asked for. */
static int tie_to_parent(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
        return -errno;
    return getppid() == peer.pid ? 0 : -ESRCH;
}

static int give_up_core_dumps(void)
{
    const struct rlimit none = {0, 0};

    return prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                   setrlimit(RLIMIT_CORE, &none) < 0
               ? -errno
               : 0;
}

static int serve(int fd)
{
    g_autoptr(KtSession) session = kt_session_new();
    _cleanup_(kt_bus_flush_close_unref_p) sd_bus *bus = NULL;
    sd_id128_t id;
    int r;

    r = sd_id128_randomize(&id);
    if (r >= 0)
        r = sd_bus_new(&bus);
    if (r >= 0)
        r = sd_bus_set_fd(bus, fd, fd);
    if (r >= 0)
        r = sd_bus_set_server(bus, true, id);
    if (r >= 0)
        r = kt_object_add(bus, session);
    if (r >= 0)
        r = sd_bus_start(bus);
    while (r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    return r == -ECONNRESET || r == -ENOTCONN ? 0 : r;
}

int main(int argc, char **argv)
{
    int fd, r;

    r = parse_arguments(argc, argv, &fd);
    if (r <= 0)
        return r < 0 ? 2 : EXIT_SUCCESS;
    r = tie_to_parent(fd);
    if (r >= 0)
        r = give_up_core_dumps();
    if (r >= 0)
        r = serve(fd);
    if (r >= 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "keyturn-secret-service: %s\n", strerror(-r));
    return EXIT_FAILURE;
}
