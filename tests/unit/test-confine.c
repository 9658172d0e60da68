/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows, from inside, what a confined helper can no longer do, and that it can still do its work. Each look
 * is a process of its own, since there is no way back. */
#include "daemon/helpers/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ELEMENTS(a) (sizeof(a) / sizeof((a)[0]))

/* Arguments that the kernel would refuse with something else than EPERM, where it gets to look at them. */
static const struct {
    const char *name;
    long number;
    long args[6];
} refused[] = {
    {"ptrace", SYS_ptrace, {PTRACE_ATTACH, 0x3fffffff}},
    {"process_vm_readv", SYS_process_vm_readv, {0x3fffffff, 0, 1, 0, 1, 0}},
    {"process_vm_writev", SYS_process_vm_writev, {0x3fffffff, 0, 1, 0, 1, 0}},
    {"execve", SYS_execve, {(long)"/nonexistent", 0, 0}},
    {"execveat", SYS_execveat, {-1, (long)"nonexistent", 0, 0, 0}},
    {"kcmp", SYS_kcmp, {0x3fffffff, 0x3fffffff, KCMP_VM, 0, 0}},
    {"bpf", SYS_bpf, {-1, 0, 0}},
    {"perf_event_open", SYS_perf_event_open, {0, 0, -1, -1, 0}},
    {"mount", SYS_mount, {(long)"none", (long)"/nonexistent", (long)"tmpfs", 0, 0}},
    {"umount2", SYS_umount2, {(long)"/nonexistent", 0}},
    {"pivot_root", SYS_pivot_root, {(long)"/nonexistent", (long)"/nonexistent"}},
    {"chroot", SYS_chroot, {(long)"/nonexistent"}},
    {"open_tree", SYS_open_tree, {-1, (long)"nonexistent", -1}},
    {"move_mount", SYS_move_mount, {-1, (long)"nonexistent", -1, (long)"nonexistent", -1}},
    {"fsopen", SYS_fsopen, {(long)"nonexistent", 0}},
    {"fsmount", SYS_fsmount, {-1, 0, 0}},
    {"fsconfig", SYS_fsconfig, {-1, 0, 0, 0, 0}},
    {"mount_setattr", 442, {-1, (long)"nonexistent", 0, 0, 0}},
    {"keyctl", SYS_keyctl, {-1, 0, 0, 0, 0}},
    {"add_key", SYS_add_key, {0, 0, 0, 0, 0}},
    {"request_key", SYS_request_key, {0, 0, 0, 0}},
    {"userfaultfd", SYS_userfaultfd, {-1}},
    {"open_by_handle_at", SYS_open_by_handle_at, {-1, 0, 0}},
    {"pidfd_getfd", SYS_pidfd_getfd, {-1, 0, 0}},
    {"pidfd_open", SYS_pidfd_open, {0x3fffffff, 0}},
    {"io_uring_setup", SYS_io_uring_setup, {0, 0}},
    {"io_uring_enter", SYS_io_uring_enter, {-1, 0, 0, 0, 0, 0}},
    {"io_uring_register", SYS_io_uring_register, {-1, 0, 0, 0}},
    {"socket(AF_UNIX)", SYS_socket, {AF_UNIX, -1, 0}},
    {"socket(AF_UNIX), high bits", SYS_socket, {AF_UNIX | (1L << 32), -1, 0}},
    {"socket(AF_NETLINK, audit)", SYS_socket, {AF_NETLINK, SOCK_RAW, 999}},
    {"socket(AF_PACKET)", SYS_socket, {AF_PACKET, -1, 0}},
    {"socket(AF_INET, MPTCP)", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_MPTCP}},
    {"socket(AF_INET6, SCTP)", SYS_socket, {AF_INET6, SOCK_STREAM, IPPROTO_SCTP}},
    {"socket(AF_INET, SOCK_SEQPACKET)", SYS_socket, {AF_INET, SOCK_SEQPACKET, 0}},
    {"socket(AF_INET, SOCK_RAW)", SYS_socket, {AF_INET, SOCK_RAW, IPPROTO_ICMP}},
    {"socket(AF_INET, UDPLITE)", SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE}},
    {"socketpair(SOCK_DGRAM)", SYS_socketpair, {AF_UNIX, SOCK_DGRAM, 999, 0}},
    {"listen", SYS_listen, {-1, 1}},
    {"accept4", SYS_accept4, {-1, 0, 0, 0}},
    {"openat for writing", SYS_openat, {AT_FDCWD, (long)"/nonexistent", O_WRONLY}},
    {"openat creating", SYS_openat, {AT_FDCWD, (long)"/nonexistent/a", O_RDONLY | O_CREAT, 0600}},
    {"unlinkat", SYS_unlinkat, {AT_FDCWD, (long)"/nonexistent", 0}},
    {"renameat2", SYS_renameat2, {AT_FDCWD, (long)"/nonexistent", AT_FDCWD, (long)"/nonexistent", 0}},
    {"fchmodat", SYS_fchmodat, {AT_FDCWD, (long)"/nonexistent", 0}},
    {"kill", SYS_kill, {0x3fffffff, 0}},
    {"tgkill of another", SYS_tgkill, {0x3fffffff, 0x3fffffff, 0}},
    {"clone without a thread", SYS_clone, {CLONE_SIGHAND, 0, 0, 0, 0}},
    {"unshare", SYS_unshare, {-1}},
    {"setns", SYS_setns, {-1, 0}},
    {"prctl(PR_SET_DUMPABLE)", SYS_prctl, {PR_SET_DUMPABLE, 99}},
    {"prctl(PR_SET_PDEATHSIG)", SYS_prctl, {PR_SET_PDEATHSIG, 9999}},
    {"prlimit64 of a limit", SYS_prlimit64, {0, RLIMIT_CORE, 1, 0}},
    {"ioctl(TIOCSTI)", SYS_ioctl, {-1, 0x5412, 0}},
    {"ioctl(FIOASYNC)", SYS_ioctl, {-1, FIOASYNC, 0}},
    {"fcntl(F_SETOWN)", SYS_fcntl, {-1, F_SETOWN, 0x3fffffff}},
    {"fcntl(F_SETOWN_EX)", SYS_fcntl, {-1, F_SETOWN_EX, 0}},
    {"fcntl(F_SETSIG)", SYS_fcntl, {-1, F_SETSIG, SIGSTOP}},
    {"fcntl(F_SETFL, O_ASYNC)", SYS_fcntl, {-1, F_SETFL, O_ASYNC | O_NONBLOCK}},
    {"fcntl(F_SETLK)", SYS_fcntl, {-1, F_SETLK, 0}},
    {"fcntl(F_OFD_SETLKW)", SYS_fcntl, {-1, F_OFD_SETLKW, 0}},
    {"fcntl(F_SETLEASE)", SYS_fcntl, {-1, F_SETLEASE, F_RDLCK}},
    {"fcntl(F_NOTIFY)", SYS_fcntl, {-1, F_NOTIFY, 0}},
    {"fcntl(F_SETPIPE_SZ)", SYS_fcntl, {-1, F_SETPIPE_SZ, 1 << 20}},
    {"fcntl(F_SETOWN), high bits", SYS_fcntl, {-1, F_SETOWN | (1L << 32), 0x3fffffff}},
    {"setsockopt(SO_LINGER)", SYS_setsockopt, {-1, SOL_SOCKET, SO_LINGER, 0, 8}},
    {"setsockopt(SO_LINGER), high bits", SYS_setsockopt, {-1, SOL_SOCKET, SO_LINGER | (1L << 32), 0, 8}},
    {"setsockopt(SO_LINGER), high level", SYS_setsockopt, {-1, SOL_SOCKET | (1L << 32), SO_LINGER, 0, 8}},
    {"setsockopt(SO_ATTACH_FILTER)", SYS_setsockopt, {-1, SOL_SOCKET, SO_ATTACH_FILTER, 0, 0}},
    {"setsockopt(TCP_ULP)", SYS_setsockopt, {-1, IPPROTO_TCP, TCP_ULP, 0, 0}},
};

static long call(size_t i)
{
    const long *a = refused[i].args;

    errno = 0;
    return syscall(refused[i].number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0;
}

/* Runs look(arg) in a process of its own, confined or not; its result, 0 to 254. */
static int in_child(bool confined, enum confine_sockets sockets, int (*look)(size_t), size_t arg)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (confined && confine_system_calls(sockets) < 0)
            _exit(255);
        _exit(look(arg));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return WEXITSTATUS(status);
}

static int look_call(size_t i)
{
    return (int)call(i);
}

static void test_refused(void **state)
{
    size_t told = 0;

    for (size_t i = 0; i < ELEMENTS(refused); i++) {
        int before = in_child(false, CONFINE_INET, look_call, i);
        int after = in_child(true, CONFINE_INET, look_call, i);

        if (before == EPERM || before == ENOSYS)
            print_message("%s: the kernel itself says \"%s\"\n", refused[i].name, strerror(before));
        else
            told++;
        if (after != EPERM)
            print_error("%s: %d\n", refused[i].name, after);
        assert_int_equal(after, EPERM);
    }
    assert_true(told > ELEMENTS(refused) / 2);
}

static int look_socket(size_t family)
{
    return socket((int)family, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 ? errno : 0;
}

static void test_sockets(void **state)
{
    assert_int_equal(in_child(true, CONFINE_INET, look_socket, AF_INET), 0);
    assert_int_equal(in_child(true, CONFINE_INET, look_socket, AF_UNIX), EPERM);
    assert_int_equal(in_child(true, CONFINE_UNIX, look_socket, AF_UNIX), 0);
    assert_int_equal(in_child(true, CONFINE_UNIX, look_socket, AF_INET), EPERM);
    assert_int_equal(in_child(true, CONFINE_UNIX, look_socket, AF_INET6), EPERM);
    assert_int_equal(in_child(true, CONFINE_UNIX, look_socket, AF_NETLINK), EPERM);
}

static void *in_thread(void *arg)
{
    struct addrinfo *found = NULL;
    int r = getaddrinfo("localhost", "443", NULL, &found);

    if (r == 0)
        freeaddrinfo(found);
    return r == 0 ? arg : NULL;
}

static int look_work(size_t unused)
{
    pthread_t thread;
    void *result = NULL;
    int mark;

    if (pthread_create(&thread, NULL, in_thread, &mark) != 0 || pthread_join(thread, &result) != 0)
        return 1;
    if (open("/etc/hosts", O_RDONLY | O_CLOEXEC) < 0)
        return 2;
    return result == &mark ? 0 : 3;
}

/* What curl, GLib and sd-bus do to a socket. */
static int look_options(size_t unused)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), copy;
    const int yes = 1;

    if (fd < 0 || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0 ||
        fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) | FD_CLOEXEC) < 0)
        return 1;
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);
    if (copy < 10 || fcntl(fd, F_DUPFD, 10) < 10)
        return 2;
    if (setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){65536}, sizeof(int)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){60}, sizeof(int)) < 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){60}, sizeof(int)) < 0)
        return 3;
    return 0;
}

static void test_work_goes_on(void **state)
{
    assert_int_equal(in_child(true, CONFINE_INET, look_options, 0), 0);
    assert_int_equal(in_child(true, CONFINE_INET, look_work, 0), 0);
}

static int look_privileges(size_t unused)
{
    char line[128];
    FILE *status = fopen("/proc/self/status", "re");

    while (status && fgets(line, sizeof(line), status))
        if (strcmp(line, "NoNewPrivs:\t1\n") == 0)
            return 0;
    return 1;
}

static void test_no_new_privileges(void **state)
{
    assert_int_equal(in_child(false, CONFINE_INET, look_privileges, 0), 1);
    assert_int_equal(in_child(true, CONFINE_INET, look_privileges, 0), 0);
}

static int look_memory(size_t unused)
{
    struct rlimit limit;

    if (confine_hide_memory() < 0 || getrlimit(RLIMIT_CORE, &limit) < 0)
        return 1;
    return prctl(PR_GET_DUMPABLE) == 0 && limit.rlim_max == 0 ? 0 : 2;
}

static void test_memory_is_hidden(void **state)
{
    assert_int_equal(in_child(false, CONFINE_INET, look_memory, 0), 0);
}

static int look_limit(size_t size)
{
    void *memory;

    if (confine_limit_memory() < 0)
        return 1;
    memory = malloc(size);
    free(memory);
    return memory ? 0 : 2;
}

static void test_memory_is_limited(void **state)
{
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    assert_int_equal(in_child(true, CONFINE_INET, look_limit, 200 << 20), 1); /* too late */
    assert_int_equal(in_child(false, CONFINE_INET, look_limit, 50 << 20), 0);
    assert_int_equal(in_child(false, CONFINE_INET, look_limit, 200 << 20), 2);
}

/* The pair's maker is the parent of the child that looks, and no parent of itself. */
static int look_parent(size_t fd)
{
    int signal = 0;

    if (confine_die_with_parent((int)fd) < 0)
        return 1;
    return prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL ? 0 : 2;
}

static void test_dies_with_parent(void **state)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(in_child(false, CONFINE_INET, look_parent, (size_t)pair[1]), 0);
    assert_int_equal(confine_die_with_parent(pair[1]), -ESRCH);
    assert_int_equal(prctl(PR_SET_PDEATHSIG, 0), 0);
    close(pair[0]);
    close(pair[1]);
    assert_int_equal(confine_die_with_parent(-1), -EBADF);
    assert_int_equal(prctl(PR_SET_PDEATHSIG, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),          cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_work_goes_on),     cmocka_unit_test(test_no_new_privileges),
        cmocka_unit_test(test_memory_is_hidden), cmocka_unit_test(test_memory_is_limited),
        cmocka_unit_test(test_dies_with_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
