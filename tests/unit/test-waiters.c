/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls that wait until their caller is known. */
#include "daemon/bus/waiters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include <cmocka.h>

#include "daemon/bus/kept-call.h"
#include "daemon/util/cleanup.h"

static const struct caller somebody;

struct fixture {
    sd_bus *bus;
    struct waiters *waiters;
    unsigned told[CALLER_BUSY + 1];
};

static int setup(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);
    int ends[2];

    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_return_code(sd_bus_new(&f->bus), 0);
    assert_return_code(sd_bus_set_fd(f->bus, ends[0], ends[0]), 0);
    assert_return_code(sd_bus_start(f->bus), 0);
    close(ends[1]);
    f->waiters = waiters_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    waiters_free(f->waiters);
    sd_bus_close_unref(f->bus);
    g_free(f);
    return 0;
}

static void note(enum caller_answer answer, const struct caller *caller, sd_bus_message *call, void *userdata)
{
    struct fixture *f = userdata;

    assert_ptr_equal(caller, answer == CALLER_KNOWN ? &somebody : NULL);
    f->told[answer]++;
}

static bool never(const struct caller *so_far, sd_bus_message *call, void *userdata)
{
    return false;
}

static bool add(struct fixture *f, size_t length, const struct caller *so_far, caller_enough_fn enough)
{
    _cleanup_message_ sd_bus_message *call = NULL;
    g_autofree char *text = g_strnfill(length, 'x');

    assert_return_code(sd_bus_message_new_method_call(f->bus, &call, NULL, "/org/keyturn1",
                                                      "org.keyturn1.Manager", "Method"),
                       0);
    assert_return_code(sd_bus_message_append(call, "s", text), 0);
    assert_return_code(sd_bus_message_seal(call, 1, 0), 0);
    assert_return_code(sd_bus_message_rewind(call, true), 0);
    return waiters_add(f->waiters, call, so_far, enough, note, f);
}

static void test_all_are_told_once(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 3; i++)
        assert_true(add(f, 3, NULL, NULL));
    waiters_tell(f->waiters, CALLER_KNOWN, &somebody);
    waiters_tell(f->waiters, CALLER_LEFT, NULL);
    assert_int_equal(f->told[CALLER_KNOWN], 3);
    assert_int_equal(f->told[CALLER_LEFT], 0);
}

static void test_what_is_known_so_far(void **state)
{
    struct fixture *f = *state;

    assert_true(add(f, 3, NULL, NULL));
    assert_true(add(f, 3, NULL, never));
    assert_true(add(f, 3, NULL, NULL));
    waiters_tell_so_far(f->waiters, &somebody);
    assert_int_equal(f->told[CALLER_KNOWN], 2);
    assert_true(add(f, 3, &somebody, NULL));
    assert_int_equal(f->told[CALLER_KNOWN], 3);
    assert_true(add(f, 3, &somebody, never));
    waiters_tell(f->waiters, CALLER_BUSY, NULL);
    assert_int_equal(f->told[CALLER_BUSY], 2);
}

static void test_room_is_bounded(void **state)
{
    struct fixture *f = *state;
    unsigned waiting = 0;

    assert_false(add(f, KEPT_CALL_MAX, NULL, NULL));
    assert_int_equal(f->told[CALLER_TOO_LONG], 1);
    while (add(f, 8, NULL, NULL))
        waiting++;
    assert_int_equal(f->told[CALLER_BUSY], 1);
    assert_in_range(waiting, 100, 128);
    waiters_tell(f->waiters, CALLER_UNKNOWN, NULL);
    assert_int_equal(f->told[CALLER_UNKNOWN], waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_are_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_known_so_far, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_is_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
