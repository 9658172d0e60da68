/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shows, from inside, which files a confined helper can still open, by each version of Landlock that this
 * kernel has. Each look is a process of its own, since there is no way back. */
#include "daemon/helpers/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of a user's, as a home is one. */
struct place {
    char folder[32], file[64], other[64], below[64], link[64], gone[64];
};

static void write_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));

    assert_non_null(place);
    strcpy(place->folder, "/tmp/kt-landlock-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->file, sizeof(place->file), "%s/file", place->folder);
    snprintf(place->other, sizeof(place->other), "%s/other", place->folder);
    snprintf(place->below, sizeof(place->below), "%s/below", place->folder);
    snprintf(place->link, sizeof(place->link), "%s/link", place->folder);
    snprintf(place->gone, sizeof(place->gone), "%s/gone", place->folder);
    write_file(place->file);
    write_file(place->other);
    assert_int_equal(mkdir(place->below, 0700), 0);
    assert_int_equal(symlink(place->file, place->link), 0);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    unlink(place->file);
    unlink(place->other);
    unlink(place->link);
    rmdir(place->below);
    assert_int_equal(rmdir(place->folder), 0);
    free(place);
    return 0;
}

struct confinement {
    int version;
    enum confine_sockets sockets;
    const char *readable;
};

/* Runs look(arg) in a process of its own, confined that way; its result, 0 to 254. */
static int in_child(struct confinement by, int (*look)(const void *), const void *arg)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (landlock_restrict(by.version, by.sockets, by.readable) < 0)
            _exit(255);
        _exit(look(arg));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_not_equal(WEXITSTATUS(status), 255);
    return WEXITSTATUS(status);
}

static int look_read(const void *path)
{
    return open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int look_list(const void *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0 ? errno : 0;
}

static int look_write(const void *path)
{
    return open(path, O_WRONLY | O_CLOEXEC) < 0 ? errno : 0;
}

static int look_truncate(const void *path)
{
    return truncate(path, 0) < 0 ? errno : 0;
}

/* The kernel's version; where there is none the test is skipped. */
static int version_here(void)
{
    int version = landlock_version();

    if (version == 0) {
        print_message("this kernel has no Landlock\n");
        skip();
    }
    return version;
}

static void test_a_users_files_are_closed(void **state)
{
    const struct place *place = *state;
    int here = version_here();

    for (int version = 1; version <= here; version++) {
        struct confinement by = {version, CONFINE_INET, NULL};

        assert_int_equal(in_child(by, look_read, place->file), EACCES);
        assert_int_equal(in_child(by, look_read, place->link), EACCES);
        assert_int_equal(in_child(by, look_list, place->folder), EACCES);
        assert_int_equal(in_child(by, look_write, place->file), EACCES);
        assert_int_equal(in_child(by, look_truncate, place->file), version < 3 ? 0 : EACCES);
        by.sockets = CONFINE_UNIX;
        assert_int_equal(in_child(by, look_read, place->file), EACCES);
    }
}

static void test_other_places_are_closed(void **state)
{
    static const char *const closed[] = {"/",         "/home", "/root", "/run",
                                         "/run/user", "/tmp",  "/var",  "/var/lib"};
    struct confinement by = {version_here(), CONFINE_INET, NULL};

    for (size_t i = 0; i < sizeof(closed) / sizeof(*closed); i++)
        if (in_child((struct confinement){0}, look_list, closed[i]) == 0)
            assert_int_equal(in_child(by, look_list, closed[i]), EACCES);
    assert_int_equal(in_child(by, look_read, "/proc/1/status"), EACCES);
    assert_int_equal(in_child(by, look_read, "/proc/self/environ"), EACCES);
}

static void test_what_is_needed_stays_open(void **state)
{
    static const char *const open[] = {"/etc/hosts",      "/etc/resolv.conf", "/etc/nsswitch.conf",
                                       "/dev/null",       "/dev/urandom",     "/proc/sys/crypto/fips_enabled",
                                       "/usr/lib/locale", "/etc/ssl/certs"};
    int here = version_here();

    for (int version = 1; version <= here; version++)
        for (size_t i = 0; i < sizeof(open) / sizeof(*open); i++)
            assert_int_equal(in_child((struct confinement){version, CONFINE_INET, NULL}, look_read, open[i]),
                             in_child((struct confinement){0}, look_read, open[i]));
}

static void test_one_more_file(void **state)
{
    const struct place *place = *state;
    struct confinement by = {version_here(), CONFINE_INET, place->file};

    assert_int_equal(in_child(by, look_read, place->file), 0);
    assert_int_equal(in_child(by, look_write, place->file), EACCES);
    assert_int_equal(in_child(by, look_read, place->other), EACCES);
    assert_int_equal(in_child(by, look_list, place->folder), EACCES);
    by.readable = place->link;
    assert_int_equal(in_child(by, look_read, place->link), 0);
    assert_int_equal(in_child(by, look_read, place->other), EACCES);
}

static void test_one_more_folder(void **state)
{
    const struct place *place = *state;
    struct confinement by = {version_here(), CONFINE_INET, place->folder};

    assert_int_equal(in_child(by, look_read, place->other), 0);
    assert_int_equal(in_child(by, look_list, place->below), 0);
    assert_int_equal(in_child(by, look_list, "/tmp"), EACCES);
}

static void test_a_file_that_is_not_there(void **state)
{
    const struct place *place = *state;
    struct confinement by = {version_here(), CONFINE_INET, place->gone};

    assert_int_equal(in_child(by, look_read, place->gone), ENOENT);
    assert_int_equal(in_child(by, look_read, place->other), EACCES);
}

/* As where the kernel has no Landlock: the work goes on, and files are as they were. */
static void test_without_landlock(void **state)
{
    const struct place *place = *state;

    assert_int_equal(in_child((struct confinement){0}, look_read, place->file), 0);
    assert_int_equal(in_child((struct confinement){0}, look_write, place->file), 0);
}

static int look_version(const void *sockets)
{
    return confine_system_calls(CONFINE_INET) < 0 ? 254 : landlock_version();
}

/* A filter of system calls that refuses it, such as a container's. */
static void test_refused_landlock(void **state)
{
    assert_int_equal(in_child((struct confinement){0}, look_version, NULL), 0);
}

static int open_socket(int type)
{
    return socket(AF_INET, type | SOCK_CLOEXEC, 0);
}

static int look_bind(const void *unused)
{
    struct sockaddr_in any = {.sin_family = AF_INET};

    any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(open_socket(SOCK_STREAM), (struct sockaddr *)&any, sizeof(any)) < 0 ? errno : 0;
}

static int look_connect(const void *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = *(const in_port_t *)port};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return connect(open_socket(SOCK_STREAM), (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
}

static void test_network(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    int here = version_here(), listener = open_socket(SOCK_STREAM);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 9), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (int version = 1; version <= here; version++) {
        struct confinement inet = {version, CONFINE_INET, NULL}, local = {version, CONFINE_UNIX, NULL};
        int refused = version < 4 ? 0 : EACCES;

        assert_int_equal(in_child(inet, look_bind, NULL), refused);
        assert_int_equal(in_child(inet, look_connect, &address.sin_port), 0);
        assert_int_equal(in_child(local, look_bind, NULL), refused);
        assert_int_equal(in_child(local, look_connect, &address.sin_port), refused);
    }
    close(listener);
}

static int look_connect_unix(const void *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return connect(fd, address, sizeof(struct sockaddr_un)) < 0 ? errno : 0;
}

static int look_signal(const void *unused)
{
    return kill(getppid(), 0) < 0 ? errno : 0;
}

/* The session bus may be at an abstract address, which keyturn-secret-service has to reach. */
static void test_scopes(void **state)
{
    struct sockaddr_un abstract = {.sun_family = AF_UNIX}, path = abstract;
    const struct place *place = *state;
    int here = version_here(), one = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
        two = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1, "%s", place->folder);
    snprintf(path.sun_path, sizeof(path.sun_path), "%s", place->gone);
    assert_int_equal(bind(one, (struct sockaddr *)&abstract, sizeof(abstract)), 0);
    assert_int_equal(bind(two, (struct sockaddr *)&path, sizeof(path)), 0);
    assert_int_equal(listen(one, 99), 0);
    assert_int_equal(listen(two, 99), 0);
    for (int version = 1; version <= here; version++) {
        struct confinement inet = {version, CONFINE_INET, NULL}, local = {version, CONFINE_UNIX, NULL};
        int refused = version < 6 ? 0 : EPERM;

        assert_int_equal(in_child(inet, look_connect_unix, &abstract), refused);
        assert_int_equal(in_child(local, look_connect_unix, &abstract), 0);
        assert_int_equal(in_child(local, look_connect_unix, &path), 0);
        assert_int_equal(in_child(inet, look_signal, NULL), refused);
        assert_int_equal(in_child(local, look_signal, NULL), refused);
    }
    close(one);
    close(two);
    unlink(path.sun_path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_users_files_are_closed),
        TEST(test_other_places_are_closed),
        TEST(test_what_is_needed_stays_open),
        TEST(test_one_more_file),
        TEST(test_one_more_folder),
        TEST(test_a_file_that_is_not_there),
        TEST(test_without_landlock),
        TEST(test_refused_landlock),
        TEST(test_network),
        TEST(test_scopes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
