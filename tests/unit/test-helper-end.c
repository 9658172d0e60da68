/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is told, and what is left behind, when a helper is let go. */
#include "tests/unit/fake-helper.h"

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

/* Runs with standard error in a file, whose text is returned. */
static char *words_of(struct fixture *f, const char *text)
{
    struct outcome outcome = {0};
    char *noted = NULL;
    int before = dup(STDERR_FILENO);
    FILE *file = tmpfile();

    assert_true(before >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
    call(f->helper, "Say", text, LONG, &outcome);
    loop_until(f->event, &outcome.n, 1);
    helper_kill(f->helper);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(before);
    assert_string_equal(outcome.text, "said");
    noted = g_malloc0(1 << 20);
    rewind(file);
    assert_true(fread(noted, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return noted;
}

/* The journal would take a line that begins with "<0>" for an emergency of keyturnd's. */
static void its_words_are_told_as_its_own(void **state)
{
    g_autofree char *noted = words_of(*state, "key\x1b[2J of sk_live_0123456789abcdef was");
    g_auto(GStrv) lines = g_strsplit(noted, "\n", -1);

    for (char **line = lines; **line != '\0'; line++)
        assert_true(g_str_has_prefix(*line, "keyturnd: exe says"));
    assert_non_null(strstr(noted, "exe says: <0>key\\x1b[2J of *** was 0\n"));
    assert_non_null(strstr(noted, "exe says more, which is not noted\n"));
    assert_true(g_strv_length(lines) < 100);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(open_calls_are_told_when_it_is_freed),
        TEST(callbacks_may_do_anything),
        TEST(may_be_freed_while_it_is_freed),
        TEST(a_kill_is_told_later),
        TEST(ends_when_idle),
        TEST(leaves_no_descriptors),
        TEST(its_words_are_told_as_its_own),
    };
    int fd = fake_bus_fd(argc, argv);

    return fd >= 0 ? fake_serve(fd, INTERFACE, vtable) : cmocka_run_group_tests(tests, NULL, NULL);
}
