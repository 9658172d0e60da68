/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine up to the swap, and the way back: each rule of its page is a test. */
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

static void create_answers(void **state)
{
    static const struct answer conflict = {
        .status = 409, .sent = true, .complete = true, .message = (char *)"c"};
    static const struct answer page = {.status = 404, .sent = true, .message = (char *)"a page"};
    static const struct answer cut = {.status = 201, .sent = true, .message = (char *)"cut short"};
    static const struct answer moved = {.status = 302, .sent = true, .message = (char *)"elsewhere"};
    static const struct {
        const struct answer *answer;
        enum rotation_state state, first_key; /* with somebody who waits */
    } cases[] = {
        {&limited, ROTATION_CREATING, ROTATION_CREATING},
        {&denied, ROTATION_CREATING, ROTATION_ABORTED},
        {&unsent, ROTATION_CREATING, ROTATION_ABORTED},
        {&refused, ROTATION_HELD, ROTATION_ABORTED},
        {&absent, ROTATION_HELD, ROTATION_ABORTED},
        {&conflict, ROTATION_RECONCILING, ROTATION_RECONCILING},
        {&page, ROTATION_RECONCILING, ROTATION_RECONCILING},
        {&broken, ROTATION_RECONCILING, ROTATION_RECONCILING},
        {&timed_out, ROTATION_RECONCILING, ROTATION_RECONCILING},
        {&cut, ROTATION_RECONCILING, ROTATION_RECONCILING},
        {&moved, ROTATION_RECONCILING, ROTATION_RECONCILING},
    };

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(cases); i++) {
        _cleanup_bench_ struct bench b;
        bool waits = i % 2 == 1;

        bench_open(&b, waits ? CAUSE_ADD : CAUSE_AGE);
        to_sent(&b);
        answered(&b, EVENT_CREATED, cases[i / 2].answer);
        assert_int_equal(b.r->state, waits ? cases[i / 2].first_key : cases[i / 2].state);
        assert_int_equal(b.r->attempt, 1);
        assert_int_equal(b.r->sent_at != 0, b.r->state == ROTATION_RECONCILING);
        if (b.r->state == ROTATION_ABORTED)
            assert_non_null(strchr(b.r->reason, ':'));
    }
}

static void rate_limit_is_waited_for_and_a_wake_does_not_cut_it(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    answered(&b, EVENT_CREATED, &limited);
    pass(&b, 76 * USEC_PER_SEC);
    wake(&b);
    expect(&b, ROTATION_CREATING, ACTION_WAIT);
    pass(&b, USEC_PER_SEC);
    wake(&b);
    expect(&b, ROTATION_CREATING, ACTION_CHECK_KEYRING);
    result(&b, EVENT_KEYRING_CHECKED, 0);
    expect(&b, ROTATION_CREATING, ACTION_CREATE);
    assert_int_equal(b.r->attempt, 1);
}

static void back_off_ends_at_once_after_a_start_or_a_set_clock(void **state)
{
    for (int i = 0; i < 2; i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        to_sent(&b);
        answered(&b, EVENT_CREATED, &unsent);
        expect(&b, ROTATION_CREATING, ACTION_WAIT);
        if (i == 0) {
            restart(&b);
        } else {
            b.f.now -= USEC_PER_HOUR;
            wake(&b);
        }
        expect(&b, ROTATION_CREATING, ACTION_CHECK_KEYRING);
    }
}

static void crash_while_creating_never_posts_blindly(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    restart(&b);
    expect(&b, ROTATION_RECONCILING, ACTION_LIST);
    assert_true(b.r->outcome_unknown);
}

static void crash_before_the_secret_is_stored_makes_another(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    created(&b, new_remote, SECRET_FITS);
    restart(&b);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_GET);
    got(&b, new_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_DELETE);
    answered(&b, EVENT_DELETED, &ok);
    LISTED(&b, old_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_ERASE);
    result(&b, EVENT_ERASED, 0);
    assert_int_equal(b.step.change, CHANGE_NEW_GONE);
    expect(&b, ROTATION_CREATING, ACTION_CHECK_KEYRING);
    assert_int_equal(b.r->attempt, 2);
}

static void reconciling_counts_absence_late(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    answered(&b, EVENT_CREATED, &timed_out);
    expect(&b, ROTATION_RECONCILING, ACTION_LIST);
    for (usec_t span = 1; span <= 8; span *= 2) {
        LISTED(&b, old_remote);
        expect(&b, ROTATION_RECONCILING, ACTION_WAIT);
        assert_int_equal(b.r->next_at, b.f.now + span * USEC_PER_SEC);
        pass(&b, span * USEC_PER_SEC);
        wake(&b);
    }
    LISTED(&b, old_remote);
    assert_int_equal(b.r->next_at, T0 + 20 * USEC_PER_SEC);
    pass(&b, 5 * USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote);
    assert_int_equal(b.r->state, ROTATION_CREATING);
    assert_int_equal(b.r->attempt, 2);
    assert_int_equal(b.r->sent_at, 0);
}

static void reconciling_deletes_a_match_and_goes_on(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key other_host = new_remote;

    bench_open(&b, CAUSE_AGE);
    other_host.id = (char *)"key_other";
    other_host.name = (char *)"crm [kt deadbeef.1]";
    to_sent(&b);
    answered(&b, EVENT_CREATED, &timed_out);
    LISTED(&b, other_host, new_remote);
    expect(&b, ROTATION_RECONCILING, ACTION_GET);
    assert_string_equal(b.r->target_id, "key_new");
    got(&b, new_remote);
    expect(&b, ROTATION_RECONCILING, ACTION_DELETE);
    assert_string_equal(b.step.id, "key_new");
    answered(&b, EVENT_DELETED, &ok);
    pass(&b, USEC_PER_SEC);
    wake(&b);
    LISTED(&b, other_host);
    assert_int_equal(b.r->state, ROTATION_CREATING);
    assert_int_equal(b.r->attempt, 2);
}

static void five_failed_creates_abort_and_crashes_do_not_count(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(b.r->state, ROTATION_CREATING);
        if (i % 2 == 0) { /* one that crashes in between */
            restart(&b);
        } else {
            answered(&b, EVENT_CREATED, &timed_out);
        }
        for (int again = 0; again < 2; again++) {
            pass(&b, 25 * USEC_PER_HOUR);
            wake(&b);
            LISTED(&b, old_remote);
        }
        restart(&b);
        result(&b, EVENT_KEYRING_CHECKED, 0);
        say(&b, EVENT_SENDING);
        answered(&b, EVENT_CREATED, &broken);
        assert_int_equal(b.r->refusals, i);
        pass(&b, 25 * USEC_PER_HOUR);
        wake(&b);
        LISTED(&b, old_remote);
        if (i == 5)
            break;
        restart(&b);
        result(&b, EVENT_KEYRING_CHECKED, 0);
        say(&b, EVENT_SENDING);
    }
    expect(&b, ROTATION_ROLLING_BACK, ACTION_LIST);
    LISTED(&b, old_remote);
    assert_int_equal(b.r->state, ROTATION_ABORTED);
    assert_int_equal(b.r->recheck_at, b.f.now + USEC_PER_MINUTE);
}

static void unfit_key_is_rolled_back(void **state)
{
    struct remote_key full = new_remote, live = new_remote;
    const struct {
        const struct remote_key *key;
        enum secret_fit fit;
    } cases[] = {{&full, SECRET_FITS},
                 {&live, SECRET_FITS},
                 {&new_remote, SECRET_MALFORMED},
                 {&new_remote, SECRET_WRONG_PREFIX},
                 {&new_remote, SECRET_WRONG_LAST4}};

    full.full_access = true;
    live.type = ENVIRONMENT_LIVE;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        to_sent(&b);
        created(&b, *cases[i].key, cases[i].fit);
        expect(&b, ROTATION_ROLLING_BACK, ACTION_GET);
        assert_int_equal(b.step.change, CHANGE_NEW_KEY);
        assert_true(b.step.attention);
    }
}

static void answer_that_names_another_key_is_held(void **state)
{
    struct remote_key foreign = new_remote;

    foreign.name = (char *)"production";
    for (int i = 0; i < 2; i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        to_sent(&b);
        feed(&b, (struct rotation_event){.type = EVENT_CREATED,
                                         .answer = &ok,
                                         .key = i == 0 ? &foreign : &new_remote,
                                         .known_before = i == 1});
        expect(&b, ROTATION_HELD, ACTION_REMIND);
        assert_int_equal(b.step.change, CHANGE_NONE);
        assert_null(b.r->new_id);
        say(&b, EVENT_RESUME);
        expect(&b, ROTATION_RECONCILING, ACTION_LIST);
    }
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

static void keyring_that_refuses_rolls_back(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    created(&b, new_remote, SECRET_FITS);
    b.f.keyring_ready = false;
    result(&b, EVENT_STORED, -EAGAIN);
    pass(&b, 30 * USEC_PER_DAY); /* locked is no failure */
    wake(&b);
    expect(&b, ROTATION_CREATING, ACTION_WAIT);
    b.f.keyring_ready = true;
    for (int i = 0; i < 6; i++) {
        assert_int_equal(b.r->state, ROTATION_CREATING);
        pass(&b, USEC_PER_HOUR);
        wake(&b);
        result(&b, EVENT_STORED, -EIO);
    }
    expect(&b, ROTATION_ROLLING_BACK, ACTION_GET);
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
        cmocka_unit_test(planned_holds_on_mismatch),
        cmocka_unit_test(planned_proves_the_old_key_dead_thrice),
        cmocka_unit_test(planned_holds_a_working_key_that_is_not_listed),
        cmocka_unit_test(listing_that_does_not_count_proves_nothing),
        cmocka_unit_test(adoption_needs_a_working_key_and_one_match),
        cmocka_unit_test(adoption_of_a_refused_key_takes_no_other),
        cmocka_unit_test(keyring_is_proved_before_creating),
        cmocka_unit_test(refused_management_key_is_not_asked_again),
        cmocka_unit_test(create_answers),
        cmocka_unit_test(rate_limit_is_waited_for_and_a_wake_does_not_cut_it),
        cmocka_unit_test(back_off_ends_at_once_after_a_start_or_a_set_clock),
        cmocka_unit_test(crash_while_creating_never_posts_blindly),
        cmocka_unit_test(crash_before_the_secret_is_stored_makes_another),
        cmocka_unit_test(reconciling_counts_absence_late),
        cmocka_unit_test(reconciling_deletes_a_match_and_goes_on),
        cmocka_unit_test(five_failed_creates_abort_and_crashes_do_not_count),
        cmocka_unit_test(unfit_key_is_rolled_back),
        cmocka_unit_test(answer_that_names_another_key_is_held),
        cmocka_unit_test(new_key_is_tried_again_within_a_minute),
        cmocka_unit_test(proxy_page_proves_nothing_about_a_key),
        cmocka_unit_test(stored_is_checked_again_after_a_crash),
        cmocka_unit_test(swap_follows_its_probe_closely),
        cmocka_unit_test(keyring_that_refuses_rolls_back),
        cmocka_unit_test(management_key_waits_for_propagation),
        cmocka_unit_test(only_this_rotations_names_are_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
