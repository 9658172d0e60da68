/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which descriptors a key goes into, and how it comes out of one of ours. */
#include "daemon/io/delivery.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "sk_test_0123456789abcdef"

static void assert_refused(int fd)
{
    assert_true(fd >= 0);
    assert_false(delivery_is_possible(fd));
    close(fd);
}

static void test_no_sockets(void **state)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_refused(ends[0]);
    assert_refused(ends[1]);
    assert_refused(memfd_create("key", MFD_CLOEXEC));
    assert_refused(open("/", O_PATH | O_CLOEXEC));
    assert_refused(open("/dev/null", O_WRONLY | O_CLOEXEC));
    assert_false(delivery_is_possible(-1));
}

static void test_other_sockets(void **state)
{
    struct sockaddr_un any = {.sun_family = AF_UNIX};
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_refused(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    assert_refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    assert_refused(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    assert_int_equal(bind(listening, (struct sockaddr *)&any, sizeof any.sun_family), 0);
    assert_int_equal(listen(listening, 1), 0);
    assert_refused(listening);
}

static void test_pairs(void **state)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    _cleanup_secret_ struct secret *secret = secret_new(KEY, strlen(KEY));
    char text[64];
    int ends[2];

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_int_equal(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, ends), 0);
        assert_true(delivery_is_possible(ends[1]));
        assert_int_equal(delivery_give(ends[1], secret), 0);
        assert_int_equal(read(ends[0], text, sizeof text), strlen(KEY));
        assert_memory_equal(text, KEY, strlen(KEY));
        close(ends[0]);
        close(ends[1]);
    }
}

static void test_opened(void **state)
{
    _cleanup_secret_ struct secret *secret = secret_new(KEY, strlen(KEY));
    int ours, fd = delivery_open(secret, &ours);
    char text[64];

    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(read(fd, text, sizeof text), strlen(KEY));
    assert_memory_equal(text, KEY, strlen(KEY));
    assert_int_equal(read(fd, text, sizeof text), 0);
    close(fd);
    assert_int_equal(send(ours, "x", 1, MSG_NOSIGNAL), -1);
    assert_int_equal(errno, EPIPE);
    close(ours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_sockets),
        cmocka_unit_test(test_other_sockets),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
