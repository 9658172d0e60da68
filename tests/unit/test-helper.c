/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper that answers, hangs, dies, talks nonsense or never starts: each call is answered once, and nothing
 * is left behind. */
#include "tests/unit/fake.h"

#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/helper.h"

#define INTERFACE "org.keyturn1.Test"
#define LONG (20 * USEC_PER_SEC)

/* The helper's side */

static int method_echo(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    const char *text;
    int r = sd_bus_message_read(m, "s", &text);

    return r < 0 ? r : sd_bus_reply_method_return(m, "s", text);
}

static int method_fail(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return sd_bus_reply_method_errorf(m, KT_ERROR_NO_KEY, "no such thing");
}

static int method_hang(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    pause();
    return 0;
}

static int method_die(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _exit(3);
}

/* Answers and ends before anybody can have read the answer. */
static int method_last_words(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    sd_bus_reply_method_return(m, "s", "farewell");
    sd_bus_flush(userdata);
    _exit(0);
}

static int method_garbage(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    static const char garbage[64] = "this is no message of D-Bus, whatever the reader makes of it";

    if (write(sd_bus_get_fd(userdata), garbage, sizeof garbage) < 0)
        return -errno;
    pause();
    return 0;
}

static int method_close(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    close(sd_bus_get_fd(userdata));
    pause();
    return 0;
}

static unsigned count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned n = 0;

    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n - 3; /* ".", ".." and the folder itself */
}

/* What a helper starts with: descriptors, the environment's odd one, signals. */
static int method_look(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct sigaction action;
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigaction(SIGPIPE, NULL, &action);
    return sd_bus_reply_method_return(m, "ubbbb", count_fds(), getenv("TEST_SECRET") != NULL,
                                      getenv("PATH") != NULL, sigismember(&blocked, SIGCHLD),
                                      action.sa_handler == SIG_DFL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Echo", "s", "s", method_echo, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Fail", "", "", method_fail, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Hang", "", "", method_hang, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Die", "", "", method_die, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("LastWords", "", "s", method_last_words, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Garbage", "", "", method_garbage, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Close", "", "", method_close, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Look", "", "ubbbb", method_look, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* The daemon's side */

struct outcome {
    unsigned n; /* answers */
    char text[64];
    char error[64]; /* of the last answer, empty if it was a return */
    char message[128];
    struct helper *helper; /* to be freed, or called, from the callback */
    struct outcome *again;
    bool free_it;
};

static void call(struct helper *helper, const char *member, const char *text, usec_t timeout,
                 struct outcome *outcome);

static void on_outcome(sd_bus_message *reply, const sd_bus_error *error, void *userdata)
{
    struct outcome *outcome = userdata;
    const char *text = "";

    outcome->n++;
    outcome->error[0] = '\0';
    if (reply == NULL) {
        g_strlcpy(outcome->error, error->name, sizeof outcome->error);
        g_strlcpy(outcome->message, error->message, sizeof outcome->message);
    } else if (sd_bus_message_has_signature(reply, "s")) {
        assert_return_code(sd_bus_message_read(reply, "s", &text), 0);
        g_strlcpy(outcome->text, text, sizeof outcome->text);
    }
    if (outcome->again != NULL) {
        struct outcome *again = g_steal_pointer(&outcome->again);
        call(outcome->helper, "Echo", "again", LONG, again);
        assert_int_equal(again->n, 0);
    }
    if (outcome->free_it)
        assert_null(helper_free(outcome->helper));
}

static void call(struct helper *helper, const char *member, const char *text, usec_t timeout,
                 struct outcome *outcome)
{
    sd_bus_message *message = NULL;
    unsigned before = outcome->n;

    if (helper_new_call(helper, member, &message) == 0 && text != NULL)
        assert_return_code(sd_bus_message_append(message, "s", text), 0);
    helper_call(helper, message, timeout, on_outcome, outcome);
    assert_int_equal(outcome->n, before);
    sd_bus_message_unref(message);
}

struct fixture {
    sd_event *event;
    struct helper *helper;
};

static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->event = loop_new();
    f->helper = helper_new(f->event, "/proc/self/exe", INTERFACE, USEC_INFINITY);
    *state = f;
    return f->helper == NULL;
}

/* No child is left, dead or alive; it is the event loop that reaps. */
static void assert_no_children(sd_event *event)
{
    siginfo_t info;

    for (unsigned i = 0; i < 100 && waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0; i++)
        loop_for(event, 10 * USEC_PER_MSEC);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    helper_free(f->helper);
    loop_for(f->event, 20 * USEC_PER_MSEC);
    assert_no_children(f->event);
    sd_event_unref(f->event);
    g_free(f);
    return 0;
}

static void expect(struct fixture *f, struct outcome *outcome, const char *error)
{
    loop_until(f->event, &outcome->n, outcome->n + 1);
    assert_string_equal(outcome->error, error);
}

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
    sd_bus_message *message = NULL, *reply = NULL;
    struct outcome outcome = {0};
    unsigned fds;
    int secret, path, blocked, fresh;

    setenv("TEST_SECRET", "xyzzy", 1);
    signal(SIGPIPE, SIG_IGN);
    call(f->helper, "Echo", "", LONG, &outcome);
    expect(f, &outcome, "");
    assert_return_code(helper_new_call(f->helper, "Look", &message), 0);
    assert_return_code(sd_bus_call(sd_bus_message_get_bus(message), message, LONG, NULL, &reply), 0);
    assert_return_code(sd_bus_message_read(reply, "ubbbb", &fds, &secret, &path, &blocked, &fresh), 0);
    sd_bus_message_unref(message);
    sd_bus_message_unref(reply);
    assert_int_equal(fds, 4);
    assert_false(secret);
    assert_true(path);
    assert_false(blocked);
    assert_true(fresh);
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

static void open_calls_are_told_when_it_is_freed(void **state)
{
    struct fixture *f = *state;
    struct outcome one = {0}, two = {0}, again = {0};

    one.helper = f->helper;
    one.again = &again;
    call(f->helper, "Hang", NULL, LONG, &one);
    call(f->helper, "Echo", "", LONG, &two);
    f->helper = helper_free(f->helper);
    assert_int_equal(one.n + two.n + again.n, 3);
    assert_string_equal(one.error, SD_BUS_ERROR_NO_REPLY);
    assert_string_equal(two.error, SD_BUS_ERROR_NO_REPLY);
    assert_string_equal(again.error, SD_BUS_ERROR_FAILED);
}

static void callbacks_may_do_anything(void **state)
{
    struct fixture *f = *state;
    struct outcome one = {0}, two = {0}, again = {0};

    one.helper = two.helper = f->helper;
    one.again = &again;
    call(f->helper, "Echo", "", LONG, &one);
    loop_until(f->event, &again.n, 1);
    assert_string_equal(again.text, "again");
    one.again = NULL;
    two.free_it = true;
    call(f->helper, "Echo", "", LONG, &two);
    call(f->helper, "Echo", "", LONG, &one);
    loop_until(f->event, &two.n, 1);
    assert_int_equal(one.n, 2);
    f->helper = NULL;
}

static void may_be_freed_while_it_is_freed(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {.helper = f->helper, .free_it = true};

    call(f->helper, "Hang", NULL, LONG, &outcome);
    f->helper = helper_free(f->helper);
    assert_int_equal(outcome.n, 1);
}

static void a_kill_is_told_later(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    call(f->helper, "Hang", NULL, LONG, &outcome);
    helper_kill(f->helper);
    assert_int_equal(outcome.n, 0);
    assert_int_equal(helper_pid(f->helper), 0);
    expect(f, &outcome, SD_BUS_ERROR_NO_REPLY);
}

static void ends_when_idle(void **state)
{
    struct fixture *f = *state;
    struct helper *helper = helper_new(f->event, "/proc/self/exe", INTERFACE, 200 * USEC_PER_MSEC);
    struct outcome outcome = {0};

    call(helper, "Echo", "", LONG, &outcome);
    expect(f, &outcome, "");
    loop_for(f->event, 50 * USEC_PER_MSEC);
    assert_int_not_equal(helper_pid(helper), 0);
    loop_for(f->event, 900 * USEC_PER_MSEC);
    assert_int_equal(helper_pid(helper), 0);
    call(helper, "Echo", "", LONG, &outcome);
    expect(f, &outcome, "");
    helper_free(helper);
}

static void leaves_no_descriptors(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};
    unsigned before;

    call(f->helper, "Echo", "", LONG, &outcome);
    expect(f, &outcome, "");
    helper_kill(f->helper);
    assert_no_children(f->event);
    before = count_fds();
    for (unsigned i = 0; i < 50; i++) {
        call(f->helper, i % 2 == 0 ? "Echo" : "LastWords", i % 2 == 0 ? "" : NULL, LONG, &outcome);
        expect(f, &outcome, "");
        helper_kill(f->helper);
    }
    assert_no_children(f->event);
    assert_int_equal(count_fds(), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
        TEST(is_not_started_again_and_again),
        TEST(says_what_can_not_be_started),
        TEST(open_calls_are_told_when_it_is_freed),
        TEST(callbacks_may_do_anything),
        TEST(may_be_freed_while_it_is_freed),
        TEST(a_kill_is_told_later),
        TEST(ends_when_idle),
        TEST(leaves_no_descriptors),
    };
    int fd = fake_bus_fd(argc, argv);

    return fd >= 0 ? fake_serve(fd, INTERFACE, vtable) : cmocka_run_group_tests(tests, NULL, NULL);
}
