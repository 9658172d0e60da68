/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a call to a keyring helper, without a bus: tests/integration/test-keyring-watch.py has a
 * real one. */
#include "tests/unit/fake-keyring.h"

static void stores_with_label_and_attributes(void **state)
{
    struct fixture *f = *state;
    _cleanup_secret_ struct secret *secret = secret_new(SECRET, strlen(SECRET));
    const struct keyring_item management = {NULL, ENVIRONMENT_TEST, "test"};
    const struct keyring_item rotated = {NULL, ENVIRONMENT_TEST, "key_9"};
    struct outcome outcome = {0};
    g_autofree char *stored = NULL, *stored_management = NULL, *stored_rotated = NULL;

    keyring_store(f->keyring, &crm, secret, on_done, &outcome);
    assert_int_equal(outcome.n, 0);
    expect(f, &outcome, 0, "");
    assert_true(g_file_get_contents("stored", &stored, NULL, NULL));
    assert_string_equal(stored,
                        "keyturn: crm (…9xyz)|integration=crm environment=test key-id=key_1 |" SECRET);
    keyring_store(f->keyring, &management, secret, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_true(g_file_get_contents("stored", &stored_management, NULL, NULL));
    assert_string_equal(stored_management, "keyturn: management key, test (…9xyz)|management=test |" SECRET);
    keyring_store(f->keyring, &rotated, secret, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_true(g_file_get_contents("stored", &stored_rotated, NULL, NULL));
    assert_string_equal(stored_rotated,
                        "keyturn: management key, test (…9xyz)|management=test:key_9 |" SECRET);
}

static void loads_and_erases(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {0};

    keyring_load(f->keyring, &crm, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_string_equal(outcome.secret, SECRET);
    keyring_erase(f->keyring, &crm, on_done, &outcome);
    expect(f, &outcome, 0, "");
}

static void loads_all(void **state)
{
    struct fixture *f = *state;
    struct outcome outcome = {.items = g_string_new(NULL)};

    keyring_load_all(f->keyring, on_item, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_string_equal(outcome.items->str, "crm test key_1 " SECRET "\n"
                                            "- live live sk_live_0123456789xyz\n"
                                            "- test key_9 sk_test_0123456789abc\n"
                                            "erp live key_3 -\n");
    g_string_free(outcome.items, TRUE);
}

static void says_what_is_wrong(void **state)
{
    static const struct {
        const char *id;
        int result;
        const char *message;
    } cases[] = {
        {"locked", -EAGAIN, "it is locked"},
        {"absent", -EAGAIN, "it is absent"},
        {"none", -ENOKEY, "no such item"},
        {"fail", -EIO, "out of sorts"},
        {"malformed", -EIO, "The keyring's item for this key does not hold a key: import the key again"},
        {"die", -EIO, "exe died in mid-call"},
    };
    struct fixture *f = *state;
    struct outcome outcome = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct keyring_item item = with_id(cases[i].id);

        keyring_load(f->keyring, &item, on_done, &outcome);
        expect(f, &outcome, cases[i].result, cases[i].message);
        assert_string_equal(outcome.secret, "");
    }
}

static void masks_and_shows_words_of_the_service(void **state)
{
    struct fixture *f = *state;
    _cleanup_secret_ struct secret *secret = secret_new("0123456789xyz", 13);
    struct keyring_item item = with_id("odd");
    struct outcome stored = {0}, loaded = {0};

    keyring_store(f->keyring, &item, secret, on_done, &stored);
    expect(f, &stored, -EIO, "\\x1b[2J of *** \\xe2\\x80\\xae ***");
    keyring_load(f->keyring, &item, on_done, &loaded);
    expect(f, &loaded, -EIO, "\\x1b[2J of *** \\xe2\\x80\\xae ***");
}

static void what_a_call_finds_is_news(void **state)
{
    struct fixture *f = *state;
    struct keyring_item locked = with_id("locked"), absent = with_id("absent");
    struct outcome outcome = {0};

    assert_int_equal(keyring_get_state(f->keyring), KEYRING_ABSENT);
    keyring_load(f->keyring, &locked, on_done, &outcome);
    expect(f, &outcome, -EAGAIN, "it is locked");
    loop_until(f->event, &f->states, 1);
    assert_int_equal(keyring_get_state(f->keyring), KEYRING_LOCKED);
    keyring_load(f->keyring, &locked, on_done, &outcome);
    expect(f, &outcome, -EAGAIN, "it is locked");
    keyring_load(f->keyring, &absent, on_done, &outcome);
    expect(f, &outcome, -EAGAIN, "it is absent");
    loop_until(f->event, &f->states, 2);
    assert_int_equal(keyring_get_state(f->keyring), KEYRING_ABSENT);
}

static void all_calls_are_made_once_more_after_a_death(void **state)
{
    struct fixture *f = *state;
    _cleanup_secret_ struct secret *secret = secret_new(SECRET, strlen(SECRET));
    struct keyring_item once = with_id("once");
    struct outcome outcome = {0};

    keyring_load(f->keyring, &once, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_string_equal(outcome.secret, SECRET);
    assert_return_code(rmdir("died"), 0);
    keyring_store(f->keyring, &once, secret, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_return_code(rmdir("died"), 0);
    keyring_erase(f->keyring, &once, on_done, &outcome);
    expect(f, &outcome, 0, "");
    assert_return_code(rmdir("died"), 0);
}

static void checks(void **state)
{
    static const struct {
        const char *state;
        int result;
        const char *message;
    } cases[] = {
        {"locked", -EAGAIN, "The keyring is locked"},
        {"absent", -EAGAIN, "The keyring is absent"},
        {"sulking", -EIO, "The keyring's helper answered nonsense"},
    };
    struct fixture *f = *state;
    struct outcome outcome = {0};

    keyring_check(f->keyring, on_done, &outcome);
    expect(f, &outcome, 0, "");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_true(g_file_set_contents("state", cases[i].state, -1, NULL));
        keyring_check(f->keyring, on_done, &outcome);
        expect(f, &outcome, cases[i].result, cases[i].message);
    }
}

static void calls_follow_each_other(void **state)
{
    struct fixture *f = *state;
    struct keyring_item die = with_id("die");
    struct outcome first = {0}, dying = {0}, last = {0};

    keyring_load(f->keyring, &crm, on_done, &first);
    keyring_load(f->keyring, &die, on_done, &dying);
    keyring_load(f->keyring, &crm, on_done, &last);
    loop_until(f->event, &last.n, 1);
    assert_int_equal(first.result, 0);
    assert_int_equal(dying.n, 1);
    assert_int_equal(dying.result, -EIO);
    assert_int_equal(last.result, 0);
}

static void open_calls_are_told_when_it_is_freed(void **state)
{
    struct fixture *f = *state;
    struct outcome one = {0}, two = {0};

    keyring_load(f->keyring, &crm, on_done, &one);
    keyring_load(f->keyring, &crm, on_done, &two);
    f->keyring = keyring_free(f->keyring);
    assert_int_equal(one.n, 1);
    assert_int_equal(one.result, -EIO);
    assert_int_equal(two.n, 1);
    assert_int_equal(two.result, -EIO);
    assert_string_equal(two.message, "The keyring was closed");
}

static void may_be_freed_from_callbacks(void **state)
{
    struct fixture *f = *state;
    struct outcome one = {.free_it = f}, two = {0};

    keyring_load(f->keyring, &crm, on_done, &one);
    keyring_load(f->keyring, &crm, on_done, &two);
    loop_until(f->event, &one.n, 1);
    assert_null(f->keyring);
    assert_string_equal(one.secret, SECRET);
    assert_int_equal(two.n, 1);
}

static void may_be_freed_from_an_item(void **state)
{
    struct fixture *f = *state;
    struct outcome all = {.items = g_string_new(NULL), .free_it = f}, two = {0};

    keyring_load_all(f->keyring, on_item, on_done, &all);
    keyring_load(f->keyring, &crm, on_done, &two);
    loop_until(f->event, &all.n, 1);
    assert_null(f->keyring);
    assert_int_equal(all.result, -EIO);
    assert_int_equal(two.n, 1);
    assert_string_equal(all.items->str, "crm test key_1 " SECRET "\n");
    g_string_free(all.items, TRUE);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(stores_with_label_and_attributes),
        TEST(loads_and_erases),
        TEST(loads_all),
        TEST(says_what_is_wrong),
        TEST(masks_and_shows_words_of_the_service),
        TEST(what_a_call_finds_is_news),
        TEST(all_calls_are_made_once_more_after_a_death),
        TEST(checks),
        TEST(calls_follow_each_other),
        TEST(open_calls_are_told_when_it_is_freed),
        TEST(may_be_freed_from_callbacks),
        TEST(may_be_freed_from_an_item),
    };
    int fd = fake_bus_fd(argc, argv);

    return fd >= 0 ? fake_serve(fd, KT_KEYRING_INTERFACE, vtable) : cmocka_run_group_tests(tests, NULL, NULL);
}
