/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper gives up before it reads the first byte from outside. A list of what is allowed, not of what
 * is refused: a system call that a newer kernel adds is refused too. May touch only its own process. */
#include "daemon/helpers/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* Some four times what was measured; the unit has 256 MiB for all. */
#define DATA_MAX ((rlim_t)96 * 1024 * 1024)

/* Names rather than numbers: those that an architecture does not have are passed over. */
static const char *const allowed[] = {
    /* memory */
    "brk", "madvise", "mlock", "mlock2", "mmap", "mmap2", "mprotect", "mremap", "munlock", "munmap",
    /* files and descriptors that are open, and what a path is */
    "_llseek", "access", "close", "close_range", "dup", "dup2", "dup3", "eventfd2", "faccessat", "faccessat2",
    "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "getcwd", "getdents64", "lseek", "lstat",
    "lstat64", "newfstatat", "pipe", "pipe2", "pread64", "read", "readlink", "readlinkat", "readv", "stat",
    "stat64", "statfs", "statfs64", "statx", "write", "writev",
    /* waiting */
    "_newselect", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "poll", "ppoll",
    "ppoll_time64", "pselect6", "pselect6_time64", "select", "timerfd_create", "timerfd_settime",
    "timerfd_settime64",
    /* sockets that are open; bind is what getaddrinfo does to its netlink socket. No listen, no accept. */
    "bind", "connect", "getpeername", "getsockname", "getsockopt", "recv", "recvfrom", "recvmmsg",
    "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "shutdown",
    /* threads of this process */
    "exit", "exit_group", "futex", "futex_time64", "get_robust_list", "membarrier", "restart_syscall", "rseq",
    "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_yield",
    "set_robust_list", "set_tid_address",
    /* signals to itself */
    "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait",
    "rt_sigtimedwait_time64", "sigaltstack", "signalfd4", "sigreturn",
    /* time */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "gettimeofday", "nanosleep", "time",
    /* who and where it is */
    "getcpu", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
    "getgroups32", "getpid", "getppid", "getrandom", "getresgid", "getresgid32", "getresuid", "getresuid32",
    "getrlimit", "gettid", "getuid", "getuid32", "sysinfo", "ugetrlimit", "uname"};

/* What the C library does without, if told that the kernel has none. */
static const char *const absent[] = {"clone3", "openat2"};

int confine_die_with_parent(int bus_fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -errno;
    if (getsockopt(bus_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return -errno;
    return peer.pid == getppid() ? 0 : -ESRCH;
}

int confine_hide_memory(void)
{
    const struct rlimit none = {0, 0};

    if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
        return -errno;
    return 0;
}

/* A sanitizer's own memory is no measure. */
int confine_limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit limit = {DATA_MAX, DATA_MAX};

    if (setrlimit(RLIMIT_DATA, &limit) < 0)
        return -errno;
#endif
    return 0;
}

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int number = seccomp_syscall_resolve_name(names[i]), r;

        if (number == __NR_SCMP_ERROR)
            continue;
        r = seccomp_rule_add(filter, action, number, 0);
        if (r < 0)
            return r;
    }
    return 0;
}

static int allow_if(scmp_filter_ctx filter, int number, struct scmp_arg_cmp condition)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &condition);
}

/* Files are opened for reading alone, threads are made but no processes, and only what harms nobody else is
 * set. */
static int add_conditions(scmp_filter_ctx filter)
{
    const scmp_datum_t writing = O_ACCMODE | O_CREAT | O_TRUNC;
    const struct {
        int number;
        struct scmp_arg_cmp condition;
    } rules[] = {
        {SCMP_SYS(open), SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY)},
        {SCMP_SYS(openat), SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY)},
        {SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)},
        {SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())},
        {SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_EQ, 0)},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)},
        {SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO)},
        {SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, TCGETS)},
    };

    for (size_t i = 0; i < ELEMENTS(rules); i++) {
        int r = allow_if(filter, rules[i].number, rules[i].condition);

        if (r < 0)
            return r;
    }
    return 0;
}

/* What is done to descriptors. The kernel would send any signal to any process of this user by F_SETOWN,
 * F_SETSIG and O_ASYNC, and F_SETLEASE and locks reach whoever opens the same file. */
static int add_fcntl(scmp_filter_ctx filter, int number)
{
    const struct scmp_arg_cmp flags[] = {SCMP_A1(SCMP_CMP_EQ, F_SETFL),
                                         SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, 0)};
    const scmp_datum_t commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL};

    for (size_t i = 0; i < ELEMENTS(commands); i++) {
        int r = allow_if(filter, number, SCMP_A1(SCMP_CMP_EQ, commands[i]));

        if (r < 0)
            return r;
    }
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, ELEMENTS(flags), flags);
}

/* What curl, the resolver, GLib and sd-bus ask of a socket. Not SO_LINGER: whoever closes the last copy of
 * such a socket waits, and that may be who got it by the bus. */
static int add_options(scmp_filter_ctx filter)
{
    static const struct {
        int level, option;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE},   {SOL_SOCKET, SO_PASSCRED},    {SOL_SOCKET, SO_PASSSEC},
        {SOL_SOCKET, SO_RCVBUF},      {SOL_SOCKET, SO_RCVBUFFORCE}, {SOL_SOCKET, SO_REUSEADDR},
        {SOL_SOCKET, SO_SNDBUF},      {SOL_SOCKET, SO_SNDBUFFORCE}, {IPPROTO_IP, IP_RECVERR},
        {IPPROTO_IPV6, IPV6_RECVERR}, {IPPROTO_IPV6, IPV6_V6ONLY},  {IPPROTO_TCP, TCP_KEEPCNT},
        {IPPROTO_TCP, TCP_KEEPIDLE},  {IPPROTO_TCP, TCP_KEEPINTVL}, {IPPROTO_TCP, TCP_NODELAY},
    };

    for (size_t i = 0; i < ELEMENTS(options); i++) {
        const struct scmp_arg_cmp both[] = {SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i].level),
                                            SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i].option)};
        int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), ELEMENTS(both), both);

        if (r < 0)
            return r;
    }
    return 0;
}

/* TCP, and UDP for the resolver: other protocols are code of the kernel's that is seldom looked at, and
 * loaded when somebody asks for it. */
static int add_internet(scmp_filter_ctx filter, int family)
{
    static const struct {
        int type, protocol;
    } kinds[] = {{SOCK_STREAM, 0}, {SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, 0}, {SOCK_DGRAM, IPPROTO_UDP}};

    for (size_t i = 0; i < ELEMENTS(kinds); i++) {
        const struct scmp_arg_cmp all[] = {SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family),
                                           SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, (scmp_datum_t)kinds[i].type),
                                           SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)kinds[i].protocol)};
        int r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), ELEMENTS(all), all);

        if (r < 0)
            return r;
    }
    return 0;
}

/* A stream pair stays a pair; a datagram pair could be connected to somebody else. */
static int add_sockets(scmp_filter_ctx filter, enum confine_sockets sockets)
{
    const struct scmp_arg_cmp route[] = {SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                                         SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE)};
    int r;

    r = allow_if(filter, SCMP_SYS(socketpair), SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, SOCK_STREAM));
    if (r < 0)
        return r;
    switch (sockets) {
    case CONFINE_UNIX:
        return allow_if(filter, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
    case CONFINE_INET:
        break;
    }
    r = add_internet(filter, AF_INET);
    if (r < 0)
        return r;
    r = add_internet(filter, AF_INET6);
    if (r < 0)
        return r;
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), ELEMENTS(route), route);
}

/* Loading sets no_new_privs, libseccomp's default, and fails if that fails. */
int confine_system_calls(enum confine_sockets sockets)
{
    scmp_filter_ctx filter;
    int r;

    filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return -ENOMEM;
    r = add_names(filter, SCMP_ACT_ALLOW, allowed, ELEMENTS(allowed));
    if (r >= 0)
        r = add_names(filter, SCMP_ACT_ERRNO(ENOSYS), absent, ELEMENTS(absent));
    if (r >= 0)
        r = add_conditions(filter);
    if (r >= 0)
        r = add_fcntl(filter, SCMP_SYS(fcntl));
    if (r >= 0)
        r = add_fcntl(filter, SCMP_SYS(fcntl64));
    if (r >= 0)
        r = add_options(filter);
    if (r >= 0)
        r = add_sockets(filter, sockets);
    if (r >= 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}
