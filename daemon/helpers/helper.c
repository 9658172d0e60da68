/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a helper process. May touch its own process and the socket to keyturnd. */
#include "daemon/helpers/helper.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "config.h"
#include "daemon/helpers/landlock.h"
#include "daemon/util/cleanup.h"

#define EXIT_USAGE 2

#ifdef __SANITIZE_ADDRESS__
/* To look for leaks it would start a process, which a confined helper can't. */
const char *__asan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static int show_help(const struct helper *helper)
{
    return printf("%s --bus-fd N [--read PATH]\n"
                  "\n"
                  "%s keyturnd starts it.\n"
                  "\n"
                  "  --bus-fd N   the socket to keyturnd\n"
                  "  --read PATH  a file or folder that is read too\n"
                  "  --help       show this text\n"
                  "  --version    show the version\n",
                  helper->name, helper->purpose) < 0
               ? -EIO
               : 0;
}

struct arguments {
    int fd;               /* the socket to keyturnd */
    const char *readable; /* NULL: none */
};

/* 0, or -EINVAL. */
static int parse_number(const char *text, int *ret)
{
    char *end = NULL;
    long number = text ? strtol(text, &end, 10) : -1;

    if (number < 0 || number > INT_MAX || end == text || *end)
        return -EINVAL;
    *ret = (int)number;
    return 0;
}

/* 1: *ret is filled in; 0: all done; negative: a usage error, already told. */
static int parse_arguments(const struct helper *helper, int argc, char **argv, struct arguments *ret)
{
    static const struct option options[] = {
        {"bus-fd", required_argument, NULL, 'b'},
        {"read", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {},
    };
    const char *number = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == '?')
            return -EINVAL;
        if (option == 'h')
            return show_help(helper);
        if (option == 'v')
            return printf("%s " KT_VERSION "\n", helper->name) < 0 ? -EIO : 0;
        if (option == 'r')
            ret->readable = optarg;
        else
            number = optarg;
    }
    if (optind < argc || parse_number(number, &ret->fd) < 0) {
        fprintf(stderr, "%s: keyturnd starts this program: start keyturnd\n", helper->name);
        return -EINVAL;
    }
    return 1;
}

/* Libraries keep copies of keys that nobody else can reach, so the allocator overwrites whatever is freed. It
 * takes that order only from the environment, before main. */
static int erase_freed_memory(char **argv)
{
    static const char name[] = "GLIBC_TUNABLES",
                      order[] = "glibc.malloc.perturb=255:glibc.malloc.tcache_count=0";
    const char *given = getenv(name);

    if (given && strcmp(given, order) == 0)
        return 0;
    if (setenv(name, order, true) < 0)
        return -errno;
    execv("/proc/self/exe", argv);
    return -errno;
}

static int confine(const struct helper *helper, const struct arguments *arguments)
{
    int r;

    /* ps would call it "exe" otherwise. */
    if (prctl(PR_SET_NAME, helper->name) < 0)
        return -errno;
    r = confine_die_with_parent(arguments->fd);
    if (r >= 0)
        r = confine_hide_memory();
    if (r >= 0)
        r = confine_limit_memory();
    if (r >= 0)
        r = landlock_restrict(landlock_version(), helper->sockets, arguments->readable);
    return r < 0 ? r : confine_system_calls(helper->sockets);
}

static int serve(const struct helper *helper, int fd, void *userdata)
{
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
        r = helper->add(bus, userdata);
    if (r >= 0)
        r = sd_bus_start(bus);
    while (r >= 0) {
        r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
    }
    return r == -ECONNRESET || r == -ENOTCONN ? 0 : r;
}

int helper_run(const struct helper *helper, int argc, char **argv, void *userdata)
{
    struct arguments arguments = {.fd = -1};
    int r;

    r = parse_arguments(helper, argc, argv, &arguments);
    if (r <= 0)
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    r = erase_freed_memory(argv);
    if (r >= 0)
        r = confine(helper, &arguments);
    if (r >= 0)
        r = serve(helper, arguments.fd, userdata);
    if (r >= 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s: %s\n", helper->name, strerror(-r));
    return EXIT_FAILURE;
}
