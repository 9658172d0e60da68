/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper that answers, hangs, dies, talks nonsense or never starts: each call is answered once. */
#include "daemon/util/sockets.h"
#include "tests/unit/fake-helper.h"

static void answers(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    pid_t pid;

    assert_int_equal(helper_pid(f->helper), 0);
    call(f->helper, "Echo", "hello", LONG, &outcome);
    pid = helper_pid(f->helper);
    assert_true(pid > 0);
    expect(f, &outcome, "");
    assert_string_equal(outcome.text, "hello");
    call(f->helper, "Fail", NULL, LONG, &outcome);
    expect(f, &outcome, KT_ERROR_NO_KEY);
    assert_string_equal(outcome.message, "no such thing");
    assert_int_equal(helper_pid(f->helper), pid);
}

static void sees_nothing_of_ours(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    setenv("TEST_SECRET", "xyzzy", 1);
    signal(SIGPIPE, SIG_IGN);
    call(f->helper, "Echo", "", LONG, &outcome);
    expect(f, &outcome, "");
    call(f->helper, "Look", NULL, LONG, &outcome);
    expect(f, &outcome, "");
    assert_string_equal(outcome.text, "4 descriptors, secret 0, path 1, blocked 0, default 1");
}

static void is_started_anew_after_a_death(void **state)
{
    struct fixture *f = *state;
    struct outcome dying = {0}, waiting = {0};

    call(f->helper, "Die", NULL, LONG, &dying);
    call(f->helper, "Echo", "too late", LONG, &waiting);
    expect(f, &dying, SD_BUS_ERROR_NO_REPLY);
    loop_until(f->event, &waiting.n, 1);
    assert_string_equal(waiting.error, SD_BUS_ERROR_NO_REPLY);
    assert_int_equal(helper_pid(f->helper), 0);
    call(f->helper, "Echo", "new", LONG, &waiting);
    expect(f, &waiting, "");
    assert_string_equal(waiting.text, "new");
}

static void survives_a_kill_that_nobody_saw(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    siginfo_t info;
    pid_t pid;

    call(f->helper, "Echo", "one", LONG, &outcome);
    expect(f, &outcome, "");
    pid = helper_pid(f->helper);
    kill(pid, SIGKILL);
    assert_return_code(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    call(f->helper, "Echo", "two", LONG, &outcome);
    expect(f, &outcome, "");
    assert_string_equal(outcome.text, "two");
    assert_int_not_equal(helper_pid(f->helper), pid);
}

static void last_words_count(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    for (unsigned i = 0; i < 20; i++) {
        call(f->helper, "LastWords", NULL, LONG, &outcome);
        expect(f, &outcome, "");
        assert_string_equal(outcome.text, "farewell");
        while (helper_pid(f->helper) != 0)
            assert_return_code(sd_event_run(f->event, USEC_PER_SEC), 0);
    }
}

static void late_ones_are_killed(void **state)
{
    struct fixture *f = *state;
    struct outcome hanging = {0}, waiting = {0};
    usec_t start = clock_now();

    call(f->helper, "Hang", NULL, 300 * USEC_PER_MSEC, &hanging);
    call(f->helper, "Echo", "behind", LONG, &waiting);
    expect(f, &hanging, SD_BUS_ERROR_TIMEOUT);
    assert_true(clock_now() - start < 2 * USEC_PER_SEC);
    loop_until(f->event, &waiting.n, 1);
    assert_string_equal(waiting.error, SD_BUS_ERROR_NO_REPLY);
    call(f->helper, "Echo", "alive", LONG, &waiting);
    expect(f, &waiting, "");
}

static void an_answer_that_waits_is_not_late(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    call(f->helper, "Echo", "warm", LONG, &outcome);
    expect(f, &outcome, "");
    call(f->helper, "Echo", "in time", 50 * USEC_PER_MSEC, &outcome);
    assert_return_code(sd_event_run(f->event, 0), 0);
    usleep(500000);
    expect(f, &outcome, "");
    assert_string_equal(outcome.text, "in time");
}

static void nonsense_is_a_death(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    call(f->helper, "Garbage", NULL, LONG, &outcome);
    expect(f, &outcome, SD_BUS_ERROR_NO_REPLY);
    call(f->helper, "Close", NULL, LONG, &outcome);
    expect(f, &outcome, SD_BUS_ERROR_NO_REPLY);
    call(f->helper, "Echo", "fine", LONG, &outcome);
    expect(f, &outcome, "");
}

static void what_is_no_answer_is_a_death(void **state)
{
    static const char *const members[] = {"Ask", "Signal", "AnswerMore"};
    struct fixture *f = *state;
    struct outcome outcome = {0};

    for (unsigned i = 0; i < G_N_ELEMENTS(members); i++) {
        call(f->helper, members[i], NULL, LONG, &outcome);
        expect(f, &outcome, SD_BUS_ERROR_NO_REPLY);
        assert_int_equal(helper_pid(f->helper), 0);
    }
    call(f->helper, "Echo", "fine", LONG, &outcome);
    expect(f, &outcome, "");
}

static void more_than_a_message_may_hold_is_a_death(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    call(f->helper, "Long", "7", LONG, &outcome);
    expect(f, &outcome, "");
    assert_int_equal(outcome.text[0], 'x');
    call(f->helper, "Long", "9", LONG, &outcome);
    expect(f, &outcome, SD_BUS_ERROR_NO_REPLY);
    call(f->helper, "Echo", "fine", LONG, &outcome);
    expect(f, &outcome, "");
}

static void takes_no_descriptors(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    int no = 0;

    if (setsockopt(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), SOL_SOCKET, SO_PASSRIGHTS, &no,
                   sizeof no) < 0)
        skip(); /* before Linux 6.16 */
    call(f->helper, "Lend", NULL, LONG, &outcome);
    expect(f, &outcome, "");
    assert_string_equal(outcome.text, strerror(EPERM));
}

static void is_not_started_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct helper *helper = helper_new(f->event, "/bin/false", INTERFACE, USEC_INFINITY);
    struct outcome outcome = {0};

    for (unsigned i = 0; i < 5; i++) {
        call(helper, "Echo", "", LONG, &outcome);
        assert_int_not_equal(helper_pid(helper), 0);
        expect(f, &outcome, SD_BUS_ERROR_NO_REPLY);
    }
    for (unsigned i = 0; i < 20; i++) {
        call(helper, "Echo", "", LONG, &outcome);
        assert_int_equal(helper_pid(helper), 0);
        expect(f, &outcome, SD_BUS_ERROR_FAILED);
        assert_string_equal(outcome.message, "false can't be started: it died again and again");
    }
    helper_free(helper);
}

static void says_what_can_not_be_started(void **state)
{
    struct fixture *f = *state;
    struct helper *helper = helper_new(f->event, "/nonexistent/keyturn-none", INTERFACE, USEC_INFINITY);
    struct outcome outcome = {0};

    call(helper, "Echo", "", LONG, &outcome);
    expect(f, &outcome, SD_BUS_ERROR_FAILED);
    assert_string_equal(outcome.message, "keyturn-none can't be started: No such file or directory");
    helper_free(helper);
}

/* The arguments after the descriptor's number. */
static void assert_arguments(pid_t pid, const char *option, const char *value)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/cmdline", (int)pid), *text = NULL;
    const char *words[5] = {NULL};
    gsize size, n = 0;

    assert_true(g_file_get_contents(path, &text, &size, NULL));
    for (const char *at = text; at < text + size && n < G_N_ELEMENTS(words); at += strlen(at) + 1)
        words[n++] = at;
    assert_int_equal(g_strcmp0(words[3], option), 0);
    assert_int_equal(g_strcmp0(words[4], value), 0);
}

static void is_started_anew_to_read_another_file(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    pid_t before;

    call(f->helper, "Echo", "none", LONG, &outcome);
    expect(f, &outcome, "");
    assert_arguments(before = helper_pid(f->helper), NULL, NULL);
    helper_set_readable(f->helper, "/a");
    assert_int_equal(helper_pid(f->helper), before);
    call(f->helper, "Echo", "a", LONG, &outcome);
    expect(f, &outcome, "");
    assert_int_not_equal(helper_pid(f->helper), before);
    assert_arguments(before = helper_pid(f->helper), "--read", "/a");
    helper_set_readable(f->helper, "/a");
    call(f->helper, "Echo", "a", LONG, &outcome);
    expect(f, &outcome, "");
    assert_int_equal(helper_pid(f->helper), before);
    helper_set_readable(f->helper, NULL);
    call(f->helper, "Echo", "none", LONG, &outcome);
    expect(f, &outcome, "");
    assert_arguments(helper_pid(f->helper), NULL, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(answers),
        TEST(sees_nothing_of_ours),
        TEST(is_started_anew_after_a_death),
        TEST(survives_a_kill_that_nobody_saw),
        TEST(last_words_count),
        TEST(late_ones_are_killed),
        TEST(an_answer_that_waits_is_not_late),
        TEST(nonsense_is_a_death),
        TEST(what_is_no_answer_is_a_death),
        TEST(more_than_a_message_may_hold_is_a_death),
        TEST(takes_no_descriptors),
        TEST(is_not_started_again_and_again),
        TEST(says_what_can_not_be_started),
        TEST(is_started_anew_to_read_another_file),
    };
    int fd = fake_bus_fd(argc, argv);

    return fd >= 0 ? fake_serve(fd, INTERFACE, vtable) : cmocka_run_group_tests(tests, NULL, NULL);
}
