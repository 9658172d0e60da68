/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A helper that does as the member says, and calls to it. */
#pragma once

#include "tests/unit/fake.h"

#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/io/helper.h"

#define INTERFACE "org.keyturn1.Test"
#define LONG USEC_PER_MINUTE

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

/* Asks where it should answer: sd-bus would answer it by itself, and keep what it can't send. */
static int method_ask(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    for (unsigned i = 0; i < 1000; i++) {
        int r = sd_bus_call_method_async(userdata, NULL, NULL, "/", "org.freedesktop.DBus.Peer", "Ping", NULL,
                                         NULL, "");

        if (r < 0)
            return r;
    }
    sd_bus_flush(userdata);
    pause();
    return 0;
}

static int method_signal(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    sd_bus_emit_signal(userdata, "/", INTERFACE, "Odd", "");
    sd_bus_flush(userdata);
    pause();
    return 0;
}

/* An answer to nothing, which has a serial that no call had. */
static int method_answer_more(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    static const unsigned char answer[] = {'l', 2, 0, 1, 0, 0, 0,   0, 99, 0, 0, 0,
                                           8,   0, 0, 0, 5, 1, 'u', 0, 0,  0, 1, 0};

    if (write(sd_bus_get_fd(userdata), answer, sizeof answer) < 0)
        return -errno;
    pause();
    return 0;
}

/* Says so many lines on standard error, as lines of the journal with a priority. */
static int method_say(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    const char *text;
    int r = sd_bus_message_read(m, "s", &text);

    signal(SIGPIPE, SIG_IGN);
    for (unsigned i = 0; r >= 0 && i < 1000; i++)
        dprintf(i % 2 ? STDERR_FILENO : STDOUT_FILENO, "<0>%s %u\n", text, i);
    return r < 0 ? r : sd_bus_reply_method_return(m, "s", "said");
}

/* Answers with a text of so many MiB. */
static int method_long(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *text = NULL;
    const char *size;
    int r = sd_bus_message_read(m, "s", &size);

    if (r < 0)
        return r;
    text = g_strnfill((gsize)atoi(size) << 20, 'x');
    r = sd_bus_reply_method_return(m, "s", text);
    sd_bus_flush(userdata);
    return r;
}

/* Whether a descriptor is let through. */
static int method_lend(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control = {0};
    struct iovec part = {"l", 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);

    *head = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(head), &(int){STDIN_FILENO}, sizeof(int));
    if (sendmsg(sd_bus_get_fd(userdata), &message, 0) < 0)
        return sd_bus_reply_method_return(m, "s", strerror(errno));
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
    char seen[64];
    sigset_t blocked;

    sigprocmask(SIG_SETMASK, NULL, &blocked);
    sigaction(SIGPIPE, NULL, &action);
    snprintf(seen, sizeof seen, "%u descriptors, secret %d, path %d, blocked %d, default %d", count_fds(),
             getenv("TEST_SECRET") != NULL, getenv("PATH") != NULL, sigismember(&blocked, SIGCHLD),
             action.sa_handler == SIG_DFL);
    return sd_bus_reply_method_return(m, "s", seen);
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
    SD_BUS_METHOD("Long", "s", "s", method_long, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Say", "s", "s", method_say, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Ask", "", "", method_ask, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Signal", "", "", method_signal, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("AnswerMore", "", "", method_answer_more, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Lend", "", "s", method_lend, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Look", "", "s", method_look, SD_BUS_VTABLE_UNPRIVILEGED),
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
