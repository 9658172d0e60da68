/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who goes first, who waits how long, and who is told what when the queue is closed. */
#include "tests/unit/fake-provider.h"

static void sends_nothing_that_is_withdrawn(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {.refuse = true}, next = {0};

    create(f, "crm", &outcome);
    expect(f, &outcome, false, 0, "withdrawn before it was sent");
    get(f, PRIORITY_PERSON, "key_1", &next);
    expect(f, &next, true, 200, "some words");
    assert_calls("get key_1 http://127.0.0.1/a\n");
}

static void people_come_first(void **state)
{
    struct fixture *f = *state;
    unsigned counter = 0;
    struct outcome a = {.counter = &counter}, b = a, c = a, d = a;

    get(f, PRIORITY_BACKGROUND, "a", &a);
    get(f, PRIORITY_BACKGROUND, "b", &b);
    get(f, PRIORITY_PERSON, "c", &c);
    get(f, PRIORITY_PERSON, "d", &d);
    loop_until(f->event, &counter, 4);
    assert_int_equal(c.order, 1);
    assert_int_equal(d.order, 2);
    assert_int_equal(a.order, 3);
    assert_int_equal(b.order, 4);
}

static void waits_after_a_429(void **state)
{
    struct fixture *f = *state;
    struct outcome limited = {0}, next = {0};
    usec_t start;

    get(f, PRIORITY_PERSON, "limited", &limited);
    expect(f, &limited, true, 429, "some words");
    start = clock_now();
    get(f, PRIORITY_PERSON, "key_1", &next);
    expect(f, &next, true, 200, "some words");
    assert_in_range(clock_now() - start, 1190 * USEC_PER_MSEC, 3 * USEC_PER_SEC);
}

static void background_leaves_the_rest_to_people(void **state)
{
    struct fixture *f = *state;
    struct outcome scarce = {0}, background = {0}, person = {0};
    usec_t start;

    get(f, PRIORITY_PERSON, "scarce", &scarce);
    expect(f, &scarce, true, 299, "some words");
    start = clock_now();
    get(f, PRIORITY_BACKGROUND, "key_1", &background);
    get(f, PRIORITY_PERSON, "scarce", &person);
    expect(f, &person, true, 299, "some words");
    assert_true(clock_now() - start < 500 * USEC_PER_MSEC);
    assert_int_equal(background.n, 0);
    expect(f, &background, true, 200, "some words");
    assert_in_range(clock_now() - start, 900 * USEC_PER_MSEC, 3 * USEC_PER_SEC);
}

static void new_settings_are_for_the_next_request(void **state)
{
    struct fixture *f = *state;
    struct api_settings other = f->settings;
    struct outcome one = {0}, two = {0};

    other.base_url = (char *)"http://127.0.0.1/b";
    get(f, PRIORITY_PERSON, "key_1", &one);
    expect(f, &one, true, 200, "some words");
    get(f, PRIORITY_PERSON, "key_2", &two);
    provider_set_settings(f->provider, &other);
    expect(f, &two, true, 200, "some words");
    assert_calls("get key_1 http://127.0.0.1/a\nget key_2 http://127.0.0.1/b\n");
}

static void open_calls_are_told_when_it_is_freed(void **state)
{
    struct fixture *f = *state;
    struct outcome asked = {0}, waiting = {0};

    get(f, PRIORITY_PERSON, "hang", &asked);
    get(f, PRIORITY_PERSON, "key_1", &waiting);
    loop_for(f->event, 300 * USEC_PER_MSEC);
    f->provider = provider_free(f->provider);
    assert_int_equal(asked.n, 1);
    assert_true(asked.answer.sent);
    assert_int_equal(waiting.n, 1);
    assert_false(waiting.answer.sent);
}

static void may_be_freed_from_callbacks(void **state)
{
    struct fixture *f = *state;
    struct outcome one = {.free_it = f}, two = {0};

    get(f, PRIORITY_PERSON, "key_1", &one);
    get(f, PRIORITY_PERSON, "key_2", &two);
    loop_until(f->event, &one.n, 1);
    assert_null(f->provider);
    assert_int_equal(two.n, 1);
    assert_false(two.answer.sent);
}

static void may_be_freed_from_the_hook(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {.free_it = f};

    create(f, "crm", &outcome);
    loop_until(f->event, &outcome.hooks, 1);
    assert_null(f->provider);
    assert_int_equal(outcome.n, 1);
    assert_false(outcome.answer.sent);
    loop_for(f->event, 50 * USEC_PER_MSEC);
    assert_calls("");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(sends_nothing_that_is_withdrawn),
        TEST(people_come_first),
        TEST(waits_after_a_429),
        TEST(background_leaves_the_rest_to_people),
        TEST(new_settings_are_for_the_next_request),
        TEST(open_calls_are_told_when_it_is_freed),
        TEST(may_be_freed_from_callbacks),
        TEST(may_be_freed_from_the_hook),
    };
    int fd = fake_bus_fd(argc, argv);

    return fd >= 0 ? fake_serve(fd, KT_PROVIDER_INTERFACE, vtable)
                   : cmocka_run_group_tests(tests, NULL, NULL);
}
