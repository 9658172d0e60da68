/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of an answer, of none, and of one that makes no sense. */
#include "tests/unit/fake-provider.h"

static void creates(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    create(f, "crm", &outcome);
    expect(f, &outcome, true, 201, "some words");
    assert_true(outcome.answer.complete);
    assert_string_equal(outcome.secret, SECRET);
    assert_string_equal(outcome.last_id, "key_1");
    assert_int_equal(outcome.answer.date, 5000000);
    assert_int_equal(outcome.hooks, 1);
    assert_calls("create crm test custom contacts:read;contacts:write idem\n");
}

static void tells_a_malformed_secret(void **state)
{
    struct outcome outcome = {0};

    create(*state, "malformed", &outcome);
    expect(*state, &outcome, true, 201, "some words");
    assert_true(outcome.answer.complete);
    assert_true(outcome.malformed);
    assert_string_equal(outcome.secret, "");
}

static void a_success_without_a_key_is_not_complete(void **state)
{
    struct outcome created = {0}, got = {0};

    create(*state, "keyless", &created);
    expect(*state, &created, true, 201, "the helper answered without what the answer should hold");
    assert_false(created.answer.complete);
    assert_string_equal(created.secret, "");
    get(*state, PRIORITY_PERSON, "keyless", &got);
    expect(*state, &got, true, 200, "the helper answered without what the answer should hold");
    assert_false(got.answer.complete);
}

static void puts_pages_together(void **state)
{
    struct fixture *f = *state;
    struct outcome list = {0}, between = {0};

    provider_list(f->provider, PRIORITY_BACKGROUND, f->key, on_done, &list);
    assert_return_code(sd_event_run(f->event, USEC_PER_SEC), 0);
    get(f, PRIORITY_PERSON, "key_1", &between);
    expect(f, &list, true, 200, "some words");
    assert_true(list.counts);
    assert_int_equal(list.n_keys, 230);
    assert_string_equal(list.last_id, "key_229");
    expect(f, &between, true, 200, "some words");
    assert_calls("list 100 0\nlist 100 100\nlist 100 200\nget key_1 http://127.0.0.1/a\n");
}

static void a_list_that_changes_does_not_count(void **state)
{
    struct fixture *f = *state;
    struct outcome list = {0};

    f->settings.base_url = (char *)"http://127.0.0.1/change";
    provider_list(f->provider, PRIORITY_PERSON, f->key, on_done, &list);
    expect(f, &list, true, 200, "some words");
    assert_false(list.counts);
    assert_calls("list 100 0\nlist 100 100\n");
}

static void a_429_ends_a_list(void **state)
{
    struct fixture *f = *state;
    struct outcome list = {0};

    f->settings.base_url = (char *)"http://127.0.0.1/limited";
    provider_list(f->provider, PRIORITY_PERSON, f->key, on_done, &list);
    expect(f, &list, true, 429, "some words");
    assert_false(list.counts);
    assert_int_equal(list.n_keys, 100);
}

static void deletes_and_probes(void **state)
{
    struct fixture *f = *state;
    struct outcome deleted = {0}, probed = {0};

    provider_delete(f->provider, PRIORITY_PERSON, f->key, "key_1", on_done, &deleted);
    provider_probe(f->provider, PRIORITY_PERSON, f->key, on_done, &probed);
    expect(f, &probed, true, 401, "some words");
    expect(f, &deleted, true, 204, "some words");
    assert_calls("delete key_1\nprobe\n");
}

static void a_death_leaves_it_open(void **state)
{
    struct fixture *f = *state;
    struct outcome dying = {0}, next = {0};

    get(f, PRIORITY_PERSON, "die", &dying);
    get(f, PRIORITY_PERSON, "key_1", &next);
    expect(f, &dying, true, 0, "exe died in mid-call");
    assert_false(dying.answer.complete);
    expect(f, &next, true, 200, "some words");
}

static void a_late_answer_leaves_it_open(void **state)
{
    struct fixture *f = *state;
    struct outcome late = {0}, next = {0};
    usec_t start = clock_now();

    f->settings.timeout = 0;
    get(f, PRIORITY_PERSON, "hang", &late);
    get(f, PRIORITY_PERSON, "key_1", &next);
    expect(f, &late, true, 0, "exe did not answer in time");
    assert_in_range(clock_now() - start, 4900 * USEC_PER_MSEC, 7 * USEC_PER_SEC);
    expect(f, &next, true, 200, "some words");
}

static void nonsense_leaves_it_open(void **state)
{
    struct outcome outcome = {0};

    get(*state, PRIORITY_PERSON, "nonsense", &outcome);
    expect(*state, &outcome, true, 0, "the helper answered nonsense");
}

/* The helper has read what anybody may have sent. */
static void words_are_made_printable(void **state)
{
    struct outcome odd = {0}, word = {0};

    get(*state, PRIORITY_PERSON, "odd", &odd);
    expect(*state, &odd, true, 418, "\\x1b[2J *** \\xc2\\x9b");
    assert_string_equal(odd.error, "\\x1b[2J");
    get(*state, PRIORITY_PERSON, "key_\x1b", &word);
    expect(*state, &word, true, 200, "the helper answered without what the answer should hold");
}

/* It would be kept, and told on the bus. */
static void no_more_than_the_contract_allows_is_taken(void **state)
{
    static const char *const large[] = {"many-words", "long-word", "long-name"};
    struct outcome allowed = {0};

    get(*state, PRIORITY_PERSON, "just-right", &allowed);
    expect(*state, &allowed, true, 200, "some words");
    assert_true(allowed.answer.complete);
    for (unsigned i = 0; i < G_N_ELEMENTS(large); i++) {
        struct outcome outcome = {0};

        get(*state, PRIORITY_PERSON, large[i], &outcome);
        expect(*state, &outcome, true, 200, "the helper answered without what the answer should hold");
        assert_false(outcome.answer.complete);
    }
}

static void what_makes_no_sense_was_not_sent(void **state)
{
    struct outcome outcome = {0};

    get(*state, PRIORITY_PERSON, "senseless", &outcome);
    expect(*state, &outcome, false, 0, "no sense\\x1b[2J");
}

static void without_a_helper_nothing_is_sent(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    provider_free(f->provider);
    f->provider = provider_new(f->event, "/nonexistent/keyturn-none", &f->settings);
    create(f, "crm", &outcome);
    expect(f, &outcome, false, 0, "keyturn-none can't be started: No such file or directory");
    assert_int_equal(outcome.hooks, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(creates),
        TEST(tells_a_malformed_secret),
        TEST(a_success_without_a_key_is_not_complete),
        TEST(no_more_than_the_contract_allows_is_taken),
        TEST(puts_pages_together),
        TEST(a_list_that_changes_does_not_count),
        TEST(a_429_ends_a_list),
        TEST(deletes_and_probes),
        TEST(a_death_leaves_it_open),
        TEST(a_late_answer_leaves_it_open),
        TEST(nonsense_leaves_it_open),
        TEST(words_are_made_printable),
        TEST(what_makes_no_sense_was_not_sent),
        TEST(without_a_helper_nothing_is_sent),
    };
    int fd = fake_bus_fd(argc, argv);

    return fd >= 0 ? fake_serve(fd, KT_PROVIDER_INTERFACE, vtable)
                   : cmocka_run_group_tests(tests, NULL, NULL);
}
