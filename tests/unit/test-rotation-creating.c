/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine around its create: what was answered, what may have been done, and crashes. */
#include "tests/unit/rotation-bench.h"

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
    expect(&b, ROTATION_CREATING, ACTION_WAIT);
    assert_int_equal(b.r->attempt, 2);
    assert_int_equal(b.r->next_at, b.f.now + 10 * USEC_PER_SEC);
}

static void creates_that_are_lost_again_and_again_come_ever_more_rarely(void **state)
{
    static const usec_t waits[] = {10 * USEC_PER_SEC, USEC_PER_MINUTE, 5 * USEC_PER_MINUTE};
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    for (size_t i = 0; i < G_N_ELEMENTS(waits); i++) {
        g_autofree char *name = rotation_key_name(b.r);
        struct remote_key lost = new_remote;

        lost.name = name;
        answered(&b, EVENT_CREATED, &timed_out);
        LISTED(&b, lost);
        got(&b, lost);
        answered(&b, EVENT_DELETED, &ok);
        pass(&b, USEC_PER_SEC);
        wake(&b);
        LISTED(&b, old_remote);
        assert_int_equal(b.r->state, ROTATION_CREATING);
        assert_int_equal(b.r->next_at, b.f.now + waits[i]);
        pass(&b, waits[i]);
        wake(&b);
        result(&b, EVENT_KEYRING_CHECKED, 0);
        expect(&b, ROTATION_CREATING, ACTION_CREATE);
        say(&b, EVENT_SENDING);
    }
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
                 {&new_remote, SECRET_WRONG_LAST4},
                 {&new_remote, SECRET_KNOWN}};

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

static void a_first_key_waits_until_the_keyring_is_known(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_ADD);
    b.f.settling = b.f.paused = true;
    b.f.keyring_ready = false;
    wake(&b);
    expect(&b, ROTATION_PLANNED, ACTION_WAIT);
    b.f.settling = b.f.paused = false;
    b.f.keyring_ready = true;
    wake(&b);
    assert_int_equal(b.r->state, ROTATION_PLANNED);
    assert_int_not_equal(b.step.action, ACTION_WAIT);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(create_answers),
        cmocka_unit_test(rate_limit_is_waited_for_and_a_wake_does_not_cut_it),
        cmocka_unit_test(back_off_ends_at_once_after_a_start_or_a_set_clock),
        cmocka_unit_test(crash_while_creating_never_posts_blindly),
        cmocka_unit_test(crash_before_the_secret_is_stored_makes_another),
        cmocka_unit_test(reconciling_counts_absence_late),
        cmocka_unit_test(reconciling_deletes_a_match_and_goes_on),
        cmocka_unit_test(creates_that_are_lost_again_and_again_come_ever_more_rarely),
        cmocka_unit_test(five_failed_creates_abort_and_crashes_do_not_count),
        cmocka_unit_test(unfit_key_is_rolled_back),
        cmocka_unit_test(answer_that_names_another_key_is_held),
        cmocka_unit_test(a_first_key_waits_until_the_keyring_is_known),
        cmocka_unit_test(keyring_that_refuses_rolls_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
