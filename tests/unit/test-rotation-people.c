/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine and what people want of it: compromised, revoke, the dashboard; and what they are
 * told. */
#include "tests/unit/rotation-bench.h"

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
    got(&b, old_remote);
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
