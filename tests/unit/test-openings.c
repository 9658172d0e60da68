/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets that were given out, until they are read or closed. */
#include "daemon/bus/openings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE 1000
#define BOB 1001
#define EACH 6

static sd_event *event;

static int setup(void **state)
{
    assert_return_code(sd_event_new(&event), 0);
    *state = openings_new(event);
    return 0;
}

static int teardown(void **state)
{
    openings_free(*state);
    sd_event_unref(event);
    return 0;
}

/* The receiver's end of one more, with something to read in it. */
static int open_one(struct openings *openings, uid_t uid)
{
    int ends[2];

    assert_true(openings_take(openings, uid));
    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(send(ends[0], "key", 3, 0), 3);
    assert_return_code(shutdown(ends[0], SHUT_WR), 0);
    openings_watch(openings, uid, ends[0]);
    return ends[1];
}

static void fill(struct openings *openings, int ends[EACH])
{
    for (int i = 0; i < EACH; i++)
        ends[i] = open_one(openings, ALICE);
    assert_false(openings_take(openings, ALICE));
}

static void close_all(const int ends[EACH])
{
    for (int i = 0; i < EACH; i++)
        close(ends[i]);
}

static void test_unread_ones_are_counted(void **state)
{
    int ends[EACH];

    fill(*state, ends);
    close(open_one(*state, BOB));
    close_all(ends);
}

static void test_what_was_read_counts_no_more(void **state)
{
    char text[8];
    int ends[EACH];

    fill(*state, ends);
    assert_int_equal(read(ends[0], text, sizeof text), 3);
    close(open_one(*state, ALICE));
    close_all(ends);
}

static void test_what_was_closed_counts_no_more(void **state)
{
    int ends[EACH];

    fill(*state, ends);
    close_all(ends);
    while (sd_event_run(event, 0) > 0)
        ;
    fill(*state, ends);
    close_all(ends);
}

static void test_what_came_to_nothing(void **state)
{
    for (int i = 0; i < 2 * EACH; i++) {
        assert_true(openings_take(*state, ALICE));
        openings_watch(*state, ALICE, -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_unread_ones_are_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_read_counts_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_closed_counts_no_more, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_came_to_nothing, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
