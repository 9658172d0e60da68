/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of calls: they read and answer as the call does, and are never large. */
#include "daemon/bus/kept-call.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>

#include <cmocka.h>

#include "daemon/util/cleanup.h"

/* A connection whose other end says nothing: enough to make messages on. */
static int setup(void **state)
{
    sd_bus *bus;
    int ends[2];

    assert_return_code(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_return_code(sd_bus_new(&bus), 0);
    assert_return_code(sd_bus_set_fd(bus, ends[0], ends[0]), 0);
    assert_return_code(sd_bus_start(bus), 0);
    close(ends[1]);
    *state = bus;
    return 0;
}

static int teardown(void **state)
{
    sd_bus_close_unref(*state);
    return 0;
}

static sd_bus_message *new_call(sd_bus *bus)
{
    sd_bus_message *call;

    assert_return_code(
        sd_bus_message_new_method_call(bus, &call, NULL, "/org/keyturn1", "org.keyturn1.Manager", "Method"),
        0);
    assert_return_code(sd_bus_message_set_sender(call, ":1.7"), 0);
    return call;
}

static void seal(sd_bus_message *call)
{
    assert_return_code(sd_bus_message_seal(call, 4711, 0), 0);
    assert_return_code(sd_bus_message_rewind(call, true), 0);
}

static void test_arguments_and_sender_are_kept(void **state)
{
    _cleanup_message_ sd_bus_message *call = new_call(*state), *kept = NULL;
    const char *name, *entry, *value;
    uint64_t cookie;
    size_t size;
    int yes;

    assert_return_code(sd_bus_message_set_allow_interactive_authorization(call, true), 0);
    assert_return_code(sd_bus_message_append(call, "sa{sv}b", "crm", 1, "Access", "s", "full", true), 0);
    seal(call);
    assert_return_code(kept_call_new(call, &kept, &size), 0);
    assert_string_equal(sd_bus_message_get_sender(kept), ":1.7");
    assert_string_equal(sd_bus_message_get_member(kept), "Method");
    assert_true(sd_bus_message_get_allow_interactive_authorization(kept));
    assert_return_code(sd_bus_message_get_cookie(kept, &cookie), 0);
    assert_int_equal(cookie, 4711);
    assert_return_code(sd_bus_message_read(kept, "sa{sv}b", &name, 1, &entry, "s", &value, &yes), 0);
    assert_string_equal(name, "crm");
    assert_string_equal(entry, "Access");
    assert_string_equal(value, "full");
    assert_true(yes);
    assert_true(sd_bus_message_at_end(kept, true));
    assert_in_range(size, KEPT_CALL_BASE, KEPT_CALL_BASE + 200);
}

static void test_the_answer_goes_where_the_calls_would(void **state)
{
    _cleanup_message_ sd_bus_message *call = new_call(*state), *kept = NULL, *answer = NULL, *failure = NULL;
    const sd_bus_error error = SD_BUS_ERROR_MAKE_CONST("org.keyturn1.Error.Busy", "later");
    uint64_t cookie;

    seal(call);
    assert_return_code(kept_call_new(call, &kept, NULL), 0);
    assert_return_code(sd_bus_message_new_method_return(kept, &answer), 0);
    assert_string_equal(sd_bus_message_get_destination(answer), ":1.7");
    assert_return_code(sd_bus_message_get_reply_cookie(answer, &cookie), 0);
    assert_int_equal(cookie, 4711);
    assert_return_code(sd_bus_message_new_method_error(kept, &failure, &error), 0);
    assert_string_equal(sd_bus_message_get_destination(failure), ":1.7");
}

static void test_a_descriptor_is_kept(void **state)
{
    _cleanup_message_ sd_bus_message *call = new_call(*state), *kept = NULL;
    int fd;

    assert_return_code(sd_bus_message_append(call, "h", STDIN_FILENO), 0);
    seal(call);
    assert_return_code(kept_call_new(call, &kept, NULL), 0);
    assert_return_code(sd_bus_message_read(kept, "h", &fd), 0);
    assert_return_code(fcntl(fd, F_GETFD), 0);
}

static void refuse_text(sd_bus *bus, size_t length, int expected)
{
    _cleanup_message_ sd_bus_message *call = new_call(bus), *kept = NULL;
    g_autofree char *text = g_strnfill(length, 'x');
    int r;

    assert_return_code(sd_bus_message_append(call, "s", text), 0);
    seal(call);
    r = kept_call_new(call, &kept, NULL);
    assert_int_equal(MIN(r, 0), expected);
    assert_int_equal(kept == NULL, expected < 0);
}

static void test_a_large_text_is_not_kept(void **state)
{
    refuse_text(*state, KEPT_CALL_MAX - 64, 0);
    refuse_text(*state, KEPT_CALL_MAX + 1, -E2BIG);
    refuse_text(*state, 16 * 1024 * 1024, -E2BIG);
}

static void test_many_small_things_are_not_kept(void **state)
{
    _cleanup_message_ sd_bus_message *call = new_call(*state), *kept = NULL;

    assert_return_code(sd_bus_message_open_container(call, 'a', "{sv}"), 0);
    for (int i = 0; i < 10000; i++)
        assert_return_code(sd_bus_message_append(call, "{sv}", "", "y", 1), 0);
    assert_return_code(sd_bus_message_close_container(call), 0);
    seal(call);
    assert_int_equal(kept_call_new(call, &kept, NULL), -E2BIG);
    assert_null(kept);
}

static void test_bytes_are_counted_one_by_one(void **state)
{
    _cleanup_message_ sd_bus_message *call = new_call(*state), *kept = NULL;
    g_autofree char *bytes = g_malloc0(1024 * 1024);

    assert_return_code(sd_bus_message_open_container(call, 'v', "ay"), 0);
    assert_return_code(sd_bus_message_append_array(call, 'y', bytes, 1024 * 1024), 0);
    assert_return_code(sd_bus_message_close_container(call), 0);
    seal(call);
    assert_int_equal(kept_call_new(call, &kept, NULL), -E2BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_and_sender_are_kept),
        cmocka_unit_test(test_the_answer_goes_where_the_calls_would),
        cmocka_unit_test(test_a_descriptor_is_kept),
        cmocka_unit_test(test_a_large_text_is_not_kept),
        cmocka_unit_test(test_many_small_things_are_not_kept),
        cmocka_unit_test(test_bytes_are_counted_one_by_one),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
