/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine and people: hold, resume, rollback, compromised, revoke, the dashboard, and what they
 * are told. */
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

static void rollback_after_the_swap_is_a_second_swap(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_DRAINING, ACTION_PROBE_OLD);
    answered(&b, EVENT_PROBED_OLD, &ok);
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

static void hurry_waives_the_gates_and_rotates_again(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.older_holders = 2;
    b.f.hooks_ran = true;
    to_draining(&b);
    say(&b, EVENT_HURRY);
    assert_true(b.r->compromised);
    assert_true(b.r->again);
    if (b.step.action == ACTION_LIST)
        LISTED(&b, old_remote, new_remote);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void hurry_resumes_what_is_held(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.older_holders = 2;
    b.f.hooks_ran = true;
    to_draining(&b);
    pass(&b, 7 * USEC_PER_DAY + USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    say(&b, EVENT_HURRY);
    expect(&b, ROTATION_DRAINING, ACTION_LIST);
    LISTED(&b, old_remote, new_remote);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void revoke_deletes_without_gates(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_REVOKE);
    b.f.older_holders = 2;
    wake(&b);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    got(&b, old_remote);
    expect(&b, ROTATION_DELETING, ACTION_DELETE);
    answered(&b, EVENT_DELETED, &ok);
    answered(&b, EVENT_PROBED_OLD, &denied);
    result(&b, EVENT_ERASED, 0);
    assert_int_equal(b.step.change, CHANGE_OLD_GONE);
    expect(&b, ROTATION_DELETED, ACTION_LIST);
    listed(&b, 0, NULL);
    expect(&b, ROTATION_DONE, ACTION_END);
    assert_false(b.r->again);
}

static void revoke_of_a_key_without_id_adopts_it_first(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_REMOVE);
    g_clear_pointer(&b.r->old_id, g_free);
    wake(&b);
    expect(&b, ROTATION_DELETING, ACTION_PROBE_OLD);
    answered(&b, EVENT_PROBED_OLD, &ok);
    expect(&b, ROTATION_DELETING, ACTION_LIST);
    LISTED(&b, new_remote, old_remote);
    assert_int_equal(b.step.change, CHANGE_ADOPT);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void revoke_of_another_ones_key_is_held(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_REVOKE);
    b.f.old_is_current = true;
    wake(&b);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    say(&b, EVENT_ROLLBACK);
    expect(&b, ROTATION_ABORTED, ACTION_END);
}

static void revoke_that_was_done_is_not_rolled_back(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_REVOKE);
    wake(&b);
    got(&b, old_remote);
    answered(&b, EVENT_DELETED, &ok);
    answered(&b, EVENT_PROBED_OLD, &broken);
    say(&b, EVENT_ROLLBACK);
    assert_int_equal(b.r->state, ROTATION_DELETED);
}

static void dashboard_rotation(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key supplied = {.last4 = (char *)"nnnn"};
    g_autofree char *create = NULL, *delete = NULL;

    bench_open(&b, CAUSE_AGE);
    b.r->managed_by = MANAGED_BY_DASHBOARD;
    wake(&b);
    expect(&b, ROTATION_AWAITING_KEY, ACTION_REMIND);
    create = rotation_guidance(b.r);
    assert_non_null(strstr(create, "\"" NEW_NAME "\" with the scopes contacts:read"));
    feed(&b, (struct rotation_event){.type = EVENT_SUPPLIED, .key = &supplied});
    assert_int_equal(b.step.change, CHANGE_NEW_KEY);
    result(&b, EVENT_STORED, 0);
    expect(&b, ROTATION_STORED, ACTION_PROBE_NEW);
    answered(&b, EVENT_PROBED_NEW, &ok);
    say(&b, EVENT_SWAPPED);
    say(&b, EVENT_ANNOUNCED);
    pass(&b, USEC_PER_DAY);
    wake(&b);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_AWAITING_DELETION, ACTION_REMIND);
    delete = rotation_guidance(b.r);
    assert_non_null(strstr(delete, "ending in oooo"));
    say(&b, EVENT_CONFIRM);
    expect(&b, ROTATION_AWAITING_DELETION, ACTION_PROBE_OLD);
    answered(&b, EVENT_PROBED_OLD, &denied);
    expect(&b, ROTATION_DELETED, ACTION_ERASE);
    result(&b, EVENT_ERASED, 0);
    expect(&b, ROTATION_DONE, ACTION_END);
}

static void confirmed_key_that_still_works_is_told_of(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_REVOKE);
    b.r->managed_by = MANAGED_BY_DASHBOARD;
    wake(&b);
    expect(&b, ROTATION_AWAITING_DELETION, ACTION_REMIND);
    say(&b, EVENT_CONFIRM);
    answered(&b, EVENT_PROBED_OLD, &ok);
    expect(&b, ROTATION_AWAITING_DELETION, ACTION_WAIT);
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    answered(&b, EVENT_PROBED_OLD, &ok);
    assert_true(b.step.attention);
    assert_int_equal(b.r->deleted_at, 0);
}

static void supplied_key_that_was_not_stored_is_asked_for_again(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key supplied = {.last4 = (char *)"nnnn"};

    bench_open(&b, CAUSE_AGE);
    b.r->managed_by = MANAGED_BY_DASHBOARD;
    wake(&b);
    feed(&b, (struct rotation_event){.type = EVENT_SUPPLIED, .key = &supplied});
    restart(&b);
    expect(&b, ROTATION_ROLLING_BACK, ACTION_ERASE);
    result(&b, EVENT_ERASED, 0);
    assert_int_equal(b.step.change, CHANGE_NEW_GONE);
    expect(&b, ROTATION_AWAITING_KEY, ACTION_REMIND);
    assert_int_equal(b.r->new_key, 0);
}

static void somebody_who_waits_is_told_what_to_do(void **state)
{
    for (int i = 0; i < 5; i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_ADD);
        b.f.paused = i == 0;
        b.f.keyring_ready = i != 1;
        wake(&b);
        if (i == 2)
            answered(&b, EVENT_LISTED, &broken);
        if (i == 3)
            answered(&b, EVENT_LISTED, &denied);
        if (i == 4) {
            listed(&b, 0, NULL);
            result(&b, EVENT_KEYRING_CHECKED, -EIO);
        }
        expect(&b, ROTATION_ABORTED, ACTION_END);
        assert_non_null(strchr(b.r->reason, ':') != NULL ? b.r->reason
                                                         : strstr(b.r->reason, "keyturn doctor"));
    }
}

static void unknown_outcome_of_a_first_key_goes_on(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_ADD);
    to_sent(&b);
    answered(&b, EVENT_CREATED, &timed_out);
    expect(&b, ROTATION_RECONCILING, ACTION_LIST);
    answered(&b, EVENT_LISTED, &broken);
    expect(&b, ROTATION_RECONCILING, ACTION_WAIT);
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    listed(&b, 0, NULL);
    pass(&b, USEC_PER_HOUR);
    wake(&b);
    result(&b, EVENT_KEYRING_CHECKED, 0);
    expect(&b, ROTATION_CREATING, ACTION_CREATE);
    say(&b, EVENT_SENDING);
    answered(&b, EVENT_CREATED, &unsent);
    expect(&b, ROTATION_CREATING, ACTION_WAIT);
}

static void guidance_of_held_offers_what_is_possible(void **state)
{
    _cleanup_bench_ struct bench b;
    g_autofree char *with = NULL, *without = NULL;

    bench_open(&b, CAUSE_AGE);
    to_sent(&b);
    answered(&b, EVENT_CREATED, &refused);
    with = rotation_guidance(b.r);
    assert_non_null(strstr(with, "no such scope, request req_1"));
    assert_non_null(strstr(with, "keyturn resume crm, or keyturn rollback crm"));
    b.r->held_from = ROTATION_DELETED;
    without = rotation_guidance(b.r);
    assert_null(strstr(without, "rollback"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resume_goes_on_where_it_was_held),
        cmocka_unit_test(held_is_reminded_of_daily_and_after_a_start),
        cmocka_unit_test(rollback_before_the_create_aborts),
        cmocka_unit_test(rollback_before_the_swap_deletes_the_new_key),
        cmocka_unit_test(rollback_waits_for_a_key_that_is_not_listed_yet),
        cmocka_unit_test(rollback_after_the_swap_is_a_second_swap),
        cmocka_unit_test(rollback_without_a_way_back_drains_on),
        cmocka_unit_test(dead_new_key_swaps_back_by_itself_and_forth_again),
        cmocka_unit_test(two_dead_keys_are_replaced_or_held),
        cmocka_unit_test(two_dead_keys_of_a_dashboard_are_replaced),
        cmocka_unit_test(two_lost_secrets_end_in_another_rotation),
        cmocka_unit_test(management_key_that_may_not_list_swaps_back),
        cmocka_unit_test(rollback_comes_too_late_after_a_delete_that_may_be_done),
        cmocka_unit_test(hurry_waives_the_gates_and_rotates_again),
        cmocka_unit_test(hurry_resumes_what_is_held),
        cmocka_unit_test(revoke_deletes_without_gates),
        cmocka_unit_test(revoke_of_a_key_without_id_adopts_it_first),
        cmocka_unit_test(revoke_of_another_ones_key_is_held),
        cmocka_unit_test(revoke_that_was_done_is_not_rolled_back),
        cmocka_unit_test(dashboard_rotation),
        cmocka_unit_test(confirmed_key_that_still_works_is_told_of),
        cmocka_unit_test(supplied_key_that_was_not_stored_is_asked_for_again),
        cmocka_unit_test(somebody_who_waits_is_told_what_to_do),
        cmocka_unit_test(unknown_outcome_of_a_first_key_goes_on),
        cmocka_unit_test(guidance_of_held_offers_what_is_possible),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
