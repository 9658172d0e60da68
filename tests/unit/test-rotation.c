/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine from plan to swap: each rule of its page is a test. */
#include "tests/unit/rotation-bench.h"

static void whole_rotation_ends_in_done(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_deleted(&b);
    answered(&b, EVENT_PROBED_OLD, &denied);
    expect(&b, ROTATION_DELETED, ACTION_ERASE);
    result(&b, EVENT_ERASED, 0);
    assert_int_equal(b.step.change, CHANGE_OLD_GONE);
    expect(&b, ROTATION_DELETED, ACTION_LIST);
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DONE, ACTION_END);
}

static void first_key_leads_from_swap_to_done(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_ADD);
    to_swapped(&b);
    expect(&b, ROTATION_DELETED, ACTION_LIST);
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DONE, ACTION_WAIT);
    assert_int_equal(b.r->next_at, b.f.now + USEC_PER_MINUTE); /* a twin may not be listed yet */
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    expect(&b, ROTATION_DONE, ACTION_LIST);
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DONE, ACTION_END);
}

static void leap_of_our_clock_does_not_age_a_key(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_ADD);
    to_stored(&b);
    b.f.now += 30 * USEC_PER_DAY;
    answered(&b, EVENT_PROBED_NEW, &ok);
    say(&b, EVENT_SWAPPED);
    say(&b, EVENT_ANNOUNCED);
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DONE, ACTION_WAIT);
    assert_int_equal(b.r->recheck_at, b.f.now + USEC_PER_MINUTE);
}

static void planned_holds_on_mismatch(void **state)
{
    static const struct remote_key others[] = {
        {.id = (char *)"key_old", .type = ENVIRONMENT_TEST, .last4 = (char *)"xxxx"},
        {.id = (char *)"key_old", .type = ENVIRONMENT_LIVE, .last4 = (char *)"oooo"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        wake(&b);
        got(&b, others[i]);
        expect(&b, ROTATION_HELD, ACTION_REMIND);
        assert_int_equal(b.r->held_from, ROTATION_PLANNED);
    }
}

static void planned_proves_the_old_key_dead_thrice(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_DEAD);
    wake(&b);
    expect(&b, ROTATION_PLANNED, ACTION_GET);
    answered(&b, EVENT_GOT, &absent);
    expect(&b, ROTATION_PLANNED, ACTION_LIST);
    listed(&b, 0, NULL);
    expect(&b, ROTATION_PLANNED, ACTION_PROBE_OLD);
    answered(&b, EVENT_PROBED_OLD, &denied);
    expect(&b, ROTATION_PLANNED, ACTION_CHECK_KEYRING);
    assert_true(b.r->old_dead);
}

static void planned_holds_a_working_key_that_is_not_listed(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    wake(&b);
    answered(&b, EVENT_GOT, &absent);
    listed(&b, 0, NULL);
    answered(&b, EVENT_PROBED_OLD, &ok);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
}

static void listing_that_does_not_count_proves_nothing(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    wake(&b);
    answered(&b, EVENT_GOT, &absent);
    answered(&b, EVENT_LISTED, &ok);
    expect(&b, ROTATION_PLANNED, ACTION_WAIT);
    assert_int_equal(b.r->next_at, T0 + 5 * USEC_PER_SEC);
}

static void adoption_needs_a_working_key_and_one_match(void **state)
{
    static const struct {
        const struct answer *probe;
        size_t n;
        enum rotation_state state;
        enum rotation_change change;
    } cases[] = {
        {&ok, 1, ROTATION_PLANNED, CHANGE_ADOPT},
        {&ok, 2, ROTATION_HELD, CHANGE_NONE},
        {&ok, 0, ROTATION_HELD, CHANGE_NONE},
    };
    const struct remote_key matches[] = {old_remote, old_remote};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        g_clear_pointer(&b.r->old_id, g_free);
        wake(&b);
        expect(&b, ROTATION_PLANNED, ACTION_PROBE_OLD);
        answered(&b, EVENT_PROBED_OLD, cases[i].probe);
        expect(&b, ROTATION_PLANNED, ACTION_LIST);
        listed(&b, cases[i].n, matches);
        assert_int_equal(b.r->state, cases[i].state);
        assert_int_equal(b.step.change, cases[i].change);
    }
}

static void adoption_takes_the_id_that_a_person_names(void **state)
{
    const struct remote_key matches[] = {old_remote, old_remote};
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    g_clear_pointer(&b.r->old_id, g_free);
    wake(&b);
    answered(&b, EVENT_PROBED_OLD, &ok);
    listed(&b, 2, matches);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    b.f.old_id = "key_old";
    say(&b, EVENT_RESUME);
    expect(&b, ROTATION_PLANNED, ACTION_GET);
    assert_string_equal(b.step.id, "key_old");
    got(&b, old_remote);
    expect(&b, ROTATION_PLANNED, ACTION_CHECK_KEYRING);
}

static void adoption_of_a_refused_key_takes_no_other(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    g_clear_pointer(&b.r->old_id, g_free);
    wake(&b);
    answered(&b, EVENT_PROBED_OLD, &denied);
    expect(&b, ROTATION_PLANNED, ACTION_CHECK_KEYRING);
    assert_null(b.r->old_id);
    assert_true(b.r->old_dead);
}

static void keyring_is_proved_before_creating(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    wake(&b);
    got(&b, old_remote);
    result(&b, EVENT_KEYRING_CHECKED, -EIO);
    expect(&b, ROTATION_PLANNED, ACTION_WAIT);
    pass(&b, 5 * USEC_PER_SEC);
    wake(&b);
    expect(&b, ROTATION_PLANNED, ACTION_CHECK_KEYRING);
    b.f.keyring_ready = false;
    wake(&b);
    expect(&b, ROTATION_PLANNED, ACTION_WAIT);
}

static void refused_management_key_is_not_asked_again(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    wake(&b);
    answered(&b, EVENT_GOT, &denied);
    expect(&b, ROTATION_PLANNED, ACTION_WAIT);
    assert_true(b.step.pause);
    assert_int_equal(b.r->next_at, 0);
}

static void new_key_is_tried_again_within_a_minute(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_stored(&b);
    answered(&b, EVENT_PROBED_NEW, &denied);
    expect(&b, ROTATION_STORED, ACTION_WAIT);
    assert_int_equal(b.r->next_at, T0 + USEC_PER_SEC);
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    answered(&b, EVENT_PROBED_NEW, &denied);
    assert_int_equal(b.r->state, ROTATION_ROLLING_BACK);
}

static void proxy_page_proves_nothing_about_a_key(void **state)
{
    static const struct answer page = {.status = 401, .sent = true, .message = (char *)"a page"};
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_stored(&b);
    pass(&b, USEC_PER_HOUR);
    answered(&b, EVENT_PROBED_NEW, &page);
    expect(&b, ROTATION_STORED, ACTION_WAIT);
}

static void stored_is_checked_again_after_a_crash(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key widened = new_remote;

    bench_open(&b, CAUSE_AGE);
    to_stored(&b);
    restart(&b);
    expect(&b, ROTATION_STORED, ACTION_GET);
    widened.full_access = true;
    got(&b, widened);
    assert_int_equal(b.r->state, ROTATION_ROLLING_BACK);
}

static void swap_follows_its_probe_closely(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_stored(&b);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_VERIFIED, ACTION_SWAP);
    pass(&b, 3 * USEC_PER_DAY);
    restart(&b);
    expect(&b, ROTATION_STORED, ACTION_GET);
}

static void management_key_waits_for_propagation(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key key = new_remote;

    bench_open(&b, CAUSE_AGE);
    g_free(b.r->integration);
    b.r->integration = g_strdup("@test");
    key.name = (char *)"keyturn-management [kt 7f3a9c21.1]";
    to_sent(&b);
    created(&b, key, SECRET_FITS);
    result(&b, EVENT_STORED, 0);
    expect(&b, ROTATION_STORED, ACTION_WAIT);
    assert_int_equal(b.r->next_at, T0 + USEC_PER_MINUTE);
}

static void only_this_rotations_names_are_its_own(void **state)
{
    static const struct {
        const char *name;
        bool made;
    } cases[] = {
        {"crm [kt 7f3a9c21.1]", true},   {"crm [kt 7f3a9c21.12]", true}, {"crm [kt 7f3a9c21.]", false},
        {"crm [kt 7f3a9c21.1] ", false}, {"crm [kt 7f3a9c2.1]", false},  {"xcrm [kt 7f3a9c21.1]", false},
        {"crm [kt 7f3a9c21.1x]", false}, {"crm [kt 7f3a9c22.1]", false}, {"crm", false}};
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(rotation_made(b.r, cases[i].name), cases[i].made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_rotation_ends_in_done),
        cmocka_unit_test(first_key_leads_from_swap_to_done),
        cmocka_unit_test(leap_of_our_clock_does_not_age_a_key),
        cmocka_unit_test(planned_holds_on_mismatch),
        cmocka_unit_test(planned_proves_the_old_key_dead_thrice),
        cmocka_unit_test(planned_holds_a_working_key_that_is_not_listed),
        cmocka_unit_test(listing_that_does_not_count_proves_nothing),
        cmocka_unit_test(adoption_needs_a_working_key_and_one_match),
        cmocka_unit_test(adoption_takes_the_id_that_a_person_names),
        cmocka_unit_test(adoption_of_a_refused_key_takes_no_other),
        cmocka_unit_test(keyring_is_proved_before_creating),
        cmocka_unit_test(refused_management_key_is_not_asked_again),
        cmocka_unit_test(new_key_is_tried_again_within_a_minute),
        cmocka_unit_test(proxy_page_proves_nothing_about_a_key),
        cmocka_unit_test(stored_is_checked_again_after_a_crash),
        cmocka_unit_test(swap_follows_its_probe_closely),
        cmocka_unit_test(management_key_waits_for_propagation),
        cmocka_unit_test(only_this_rotations_names_are_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
