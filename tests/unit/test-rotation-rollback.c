/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine held and on its way back: before the swap, after it, and by itself. */
#include "tests/unit/rotation-bench.h"

static void resume_goes_on_where_it_was_held(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    answered(&b, EVENT_CREATED, &refused);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    wake(&b);
    expect(&b, ROTATION_HELD, ACTION_WAIT);
    say(&b, EVENT_RESUME);
    expect(&b, ROTATION_CREATING, ACTION_CHECK_KEYRING);
    assert_null(b.r->reason);
    assert_int_equal(b.r->attempt, 1);
}

static void resume_announces_again(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.hooks_failed = true;
    to_draining(&b);
    pass(&b, 7 * USEC_PER_DAY + USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    say(&b, EVENT_RESUME);
    expect(&b, ROTATION_DRAINING, ACTION_ANNOUNCE);
}

static void held_is_reminded_of_daily_and_after_a_start(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    answered(&b, EVENT_CREATED, &refused);
    wake(&b);
    pass(&b, USEC_PER_HOUR);
    restart(&b);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    pass(&b, 23 * USEC_PER_HOUR);
    wake(&b);
    expect(&b, ROTATION_HELD, ACTION_WAIT);
    pass(&b, USEC_PER_HOUR);
    wake(&b);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
}

static void rollback_before_the_create_aborts(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    wake(&b);
    got(&b, old_remote);
    result(&b, EVENT_KEYRING_CHECKED, -EIO);
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_ABORTED, ACTION_END);
}

static void rollback_before_the_swap_deletes_the_new_key(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_stored(&b);
    answered(&b, EVENT_PROBED_NEW, &broken);
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_GET);
    assert_true(rotation_is_rolled_back(b.r));
    got(&b, new_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_DELETE);
    assert_string_equal(b.step.id, "key_new");
    answered(&b, EVENT_DELETED, &ok);
    LISTED(&b, old_remote);
    result(&b, EVENT_ERASED, 0);
    assert_int_equal(b.step.change, CHANGE_NEW_GONE);
    expect(&b, ROTATION_ABORTED, ACTION_WAIT);
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    LISTED(&b, old_remote);
    expect(&b, ROTATION_ABORTED, ACTION_END);
}

static void rollback_waits_for_a_key_that_is_not_listed_yet(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    created(&b, new_remote, SECRET_MALFORMED);
    answered(&b, EVENT_GOT, &absent);
    LISTED(&b, old_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_WAIT);
    pass(&b, USEC_PER_SEC);
    wake(&b);
    got(&b, new_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_DELETE);
}

static void rollback_knows_a_key_with_another_end_by_its_name(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key wrong = new_remote;

    bench_open(&b, CAUSE_AGE);
    wrong.last4 = (char *)"XXXX";
    to_sent(&b);
    created(&b, wrong, SECRET_WRONG_LAST4);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_GET);
    got(&b, new_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_LIST);
    LISTED(&b, old_remote, new_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_GET);
    got(&b, new_remote);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_DELETE);
    assert_string_equal(b.r->target_id, "key_new");
}

static void rollback_after_the_swap_is_a_second_swap(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    assert_false(rotation_is_rolled_back(b.r));
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_DRAINING, ACTION_PROBE_OLD);
    assert_false(rotation_is_rolled_back(b.r));
    answered(&b, EVENT_PROBED_OLD, &ok);
    assert_true(rotation_is_rolled_back(b.r));
    expect(&b, ROTATION_DRAINING, ACTION_ANNOUNCE);
    assert_int_equal(b.step.change, CHANGE_SWAP);
    assert_string_equal(b.r->new_id, "key_old");
    assert_string_equal(b.r->old_id, "key_new");
    assert_string_equal(b.r->old_name, NEW_NAME);
    assert_int_equal(b.r->swapped_at, b.f.now);
    assert_false(b.r->has_baseline);
    assert_false(rotation_can_roll_back(b.r));
}

static void rollback_without_a_way_back_drains_on(void **state)
{
    for (int i = 0; i < 2; i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        to_draining(&b);
        say(&b, EVENT_ROLLBACK);
        if (i == 0)
            answered(&b, EVENT_PROBED_OLD, &denied);
        else
            result(&b, EVENT_PROBED_OLD, -ENOKEY);
        assert_int_equal(b.r->state, ROTATION_DRAINING);
        assert_true(b.step.attention);
        assert_false(b.r->swapped_back);
    }
}

static void dead_new_key_swaps_back_by_itself_and_forth_again(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    for (int i = 0; i < 2; i++) {
        say(&b, EVENT_REJECTED);
        expect(&b, ROTATION_DRAINING, ACTION_PROBE_NEW);
        answered(&b, EVENT_PROBED_NEW, &denied);
        expect(&b, ROTATION_DRAINING, ACTION_WAIT);
        pass(&b, USEC_PER_MINUTE);
        wake(&b);
        answered(&b, EVENT_PROBED_NEW, &denied);
        expect(&b, ROTATION_DRAINING, ACTION_PROBE_OLD);
        answered(&b, EVENT_PROBED_OLD, &ok);
        assert_int_equal(b.step.change, CHANGE_SWAP);
        assert_int_equal(b.r->swapped_back, i == 0);
        say(&b, EVENT_ANNOUNCED);
        LISTED(&b, old_remote, new_remote);
        expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    }
    assert_null(b.r->old_name);
    assert_string_equal(b.r->new_name, NEW_NAME);
}

static void two_dead_keys_are_replaced_or_held(void **state)
{
    for (int i = 0; i < 2; i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        to_draining(&b);
        say(&b, EVENT_REJECTED);
        answered(&b, EVENT_PROBED_NEW, &denied);
        pass(&b, USEC_PER_MINUTE);
        wake(&b);
        answered(&b, EVENT_PROBED_NEW, &denied);
        answered(&b, EVENT_PROBED_OLD, &denied);
        expect(&b, ROTATION_DRAINING, ACTION_LIST);
        if (i == 0)
            listed(&b, 0, NULL);
        else
            LISTED(&b, old_remote);
        assert_int_equal(b.r->state, i == 0 ? ROTATION_DELETING : ROTATION_HELD);
        assert_int_equal(b.r->again, i == 0);
    }
}

static void two_dead_keys_of_a_dashboard_are_replaced(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key supplied = {.last4 = (char *)"nnnn"};

    bench_open(&b, CAUSE_AGE);
    b.r->managed_by = MANAGED_BY_DASHBOARD;
    wake(&b);
    feed(&b, (struct rotation_event){.type = EVENT_SUPPLIED, .key = &supplied});
    result(&b, EVENT_STORED, 0);
    answered(&b, EVENT_PROBED_NEW, &ok);
    say(&b, EVENT_SWAPPED);
    say(&b, EVENT_ANNOUNCED);
    say(&b, EVENT_REJECTED);
    pass(&b, USEC_PER_MINUTE);
    answered(&b, EVENT_PROBED_NEW, &denied);
    answered(&b, EVENT_PROBED_OLD, &denied);
    expect(&b, ROTATION_DELETED, ACTION_ERASE);
    assert_true(b.r->again);
}

static void two_lost_secrets_end_in_another_rotation(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    pass(&b, USEC_PER_DAY + USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    result(&b, EVENT_PROBED_NEW, -ENOKEY);
    expect(&b, ROTATION_DRAINING, ACTION_PROBE_OLD);
    result(&b, EVENT_PROBED_OLD, -ENOKEY);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    assert_true(b.r->again);
    assert_true(b.step.attention);
}

static void management_key_that_may_not_list_swaps_back(void **state)
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
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    answered(&b, EVENT_PROBED_NEW, &ok);
    say(&b, EVENT_SWAPPED);
    say(&b, EVENT_ANNOUNCED);
    answered(&b, EVENT_LISTED, &denied);
    expect(&b, ROTATION_DRAINING, ACTION_PROBE_OLD);
    assert_false(b.step.pause);
    answered(&b, EVENT_PROBED_OLD, &ok);
    assert_int_equal(b.step.change, CHANGE_SWAP);
    say(&b, EVENT_ANNOUNCED);
    answered(&b, EVENT_LISTED, &denied);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_true(b.step.pause);
}

static void rollback_comes_too_late_after_a_delete_that_may_be_done(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_gates(&b);
    assert_true(rotation_can_roll_back(b.r));
    got(&b, old_remote);
    answered(&b, EVENT_DELETED, &timed_out);
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_DELETING, ACTION_WAIT);
    pass(&b, 2 * USEC_PER_MINUTE);
    wake(&b);
    got(&b, old_remote); /* it is still there: nothing was done */
    assert_int_equal(b.step.action, ACTION_DELETE);
    answered(&b, EVENT_DELETED, &unsent);
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_DRAINING, ACTION_PROBE_OLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_goes_on_where_it_was_held),
        cmocka_unit_test(resume_announces_again),
        cmocka_unit_test(held_is_reminded_of_daily_and_after_a_start),
        cmocka_unit_test(rollback_before_the_create_aborts),
        cmocka_unit_test(rollback_before_the_swap_deletes_the_new_key),
        cmocka_unit_test(rollback_waits_for_a_key_that_is_not_listed_yet),
        cmocka_unit_test(rollback_knows_a_key_with_another_end_by_its_name),
        cmocka_unit_test(rollback_after_the_swap_is_a_second_swap),
        cmocka_unit_test(rollback_without_a_way_back_drains_on),
        cmocka_unit_test(dead_new_key_swaps_back_by_itself_and_forth_again),
        cmocka_unit_test(two_dead_keys_are_replaced_or_held),
        cmocka_unit_test(two_dead_keys_of_a_dashboard_are_replaced),
        cmocka_unit_test(two_lost_secrets_end_in_another_rotation),
        cmocka_unit_test(management_key_that_may_not_list_swaps_back),
        cmocka_unit_test(rollback_comes_too_late_after_a_delete_that_may_be_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
