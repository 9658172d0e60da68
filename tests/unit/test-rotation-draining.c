/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine from the swap on: the gates before the deletion. */
#include "tests/unit/rotation-bench.h"

static void open_gates_lead_to_deleting(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_gates(&b);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    assert_string_equal(b.step.id, "key_old");
}

static void gate_1_is_read_by_both_clocks(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    b.f.now += 30 * USEC_PER_DAY; /* our clock leaps, HueChat's does not */
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_non_null(strstr(b.r->reason, "the overlap is not over"));
}

static void clock_that_was_set_back_begins_the_overlap_anew(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    b.f.now -= 300 * USEC_PER_DAY;
    wake(&b);
    assert_int_equal(b.r->swapped_at, b.f.now);
    pass(&b, USEC_PER_DAY);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void huechats_clock_that_was_set_back_begins_it_anew_too(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    b.date -= 1000 * USEC_PER_DAY;
    pass(&b, USEC_PER_DAY + USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    pass(&b, USEC_PER_DAY + USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void no_date_leaves_our_clock_to_judge(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.date = 0;
    to_draining(&b);
    b.f.now += USEC_PER_DAY;
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void gate_2_wants_the_new_key_listed_and_probed(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    pass(&b, USEC_PER_DAY + USEC_PER_SEC);
    wake(&b);
    LISTED(&b, old_remote);
    expect(&b, ROTATION_DRAINING, ACTION_PROBE_NEW);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_non_null(strstr(b.r->reason, "the new key is not proved"));
}

static void gate_3_waits_a_day_after_the_old_keys_use(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key used = old_remote;

    bench_open(&b, CAUSE_AGE);
    used.last_used_at = D0 + 5 * USEC_PER_HOUR;
    to_draining(&b);
    pass(&b, 20 * USEC_PER_HOUR);
    wake(&b);
    LISTED(&b, used, new_remote);
    for (int hour = 20; hour < 44; hour++) {
        pass(&b, USEC_PER_HOUR);
        wake(&b);
        assert_int_equal(b.r->state, ROTATION_DRAINING);
        if (b.step.action == ACTION_LIST)
            LISTED(&b, used, new_remote);
        if (b.step.action == ACTION_PROBE_NEW)
            answered(&b, EVENT_PROBED_NEW, &ok);
        assert_int_not_equal(b.step.action, ACTION_PROBE_OLD);
    }
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void gate_3_without_dates_ends_too(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key used = old_remote;

    bench_open(&b, CAUSE_AGE);
    b.date = 0;
    used.last_used_at = D0;
    to_draining(&b);
    b.f.now += USEC_PER_DAY;
    wake(&b);
    LISTED(&b, used, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    b.f.now += USEC_PER_DAY;
    wake(&b);
    LISTED(&b, used, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void gate_4_waits_for_holders_and_sees_them_go(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.older_holders = 1;
    to_gates(&b);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_non_null(strstr(b.r->reason, "crm.service (pid 4711)"));
    b.f.older_holders = 0;
    pass(&b, USEC_PER_SEC);
    wake(&b);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void a_unit_that_fails_holds_the_deletion(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.hooks_failed = true;
    to_gates(&b);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_non_null(strstr(b.r->reason, "a unit did not take the new key"));
    b.f.hooks_failed = false;
    pass(&b, USEC_PER_SEC);
    wake(&b);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void gate_5_never_deletes_a_current_key(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_COMPROMISED);
    b.f.delete_if_still_used = b.f.hooks_ran = b.f.old_is_current = true;
    to_draining(&b);
    pass(&b, 30 * USEC_PER_DAY);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
}

static void at_max_overlap(void **state)
{
    static const struct {
        bool delete, proved;
        enum rotation_state state;
    } cases[] = {
        {false, true, ROTATION_HELD}, {true, true, ROTATION_DELETING}, {true, false, ROTATION_DRAINING}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        b.f.older_holders = 1;
        b.f.delete_if_still_used = cases[i].delete;
        to_draining(&b);
        pass(&b, 7 * USEC_PER_DAY + USEC_PER_SEC);
        wake(&b);
        if (cases[i].proved)
            LISTED(&b, old_remote, new_remote);
        else
            LISTED(&b, old_remote);
        answered(&b, EVENT_PROBED_NEW, &ok);
        assert_int_equal(b.r->state, cases[i].state);
    }
}

static void delete_at_max_overlap_reads_gate_2_again_after_a_start(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.older_holders = 1;
    b.f.delete_if_still_used = true;
    to_draining(&b);
    pass(&b, 8 * USEC_PER_DAY);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    answered(&b, EVENT_PROBED_NEW, &ok);
    restart(&b);
    got(&b, old_remote);
    expect(&b, ROTATION_DRAINING, ACTION_ANNOUNCE);
    say(&b, EVENT_ANNOUNCED);
    LISTED(&b, old_remote, new_remote);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    got(&b, old_remote);
    expect(&b, ROTATION_DELETING, ACTION_DELETE);
}

static void compromised_waits_for_hooks_or_90_s_alone(void **state)
{
    for (int i = 0; i < 2; i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_COMPROMISED);
        b.f.older_holders = 3;
        to_swapped(&b);
        LISTED(&b, old_remote, new_remote);
        expect(&b, ROTATION_DRAINING, ACTION_WAIT);
        assert_int_equal(b.r->next_at, T0 + 90 * USEC_PER_SEC);
        b.f.hooks_ran = i == 0;
        pass(&b, i == 0 ? 2 * USEC_PER_SEC : 90 * USEC_PER_SEC);
        wake(&b);
        LISTED(&b, old_remote, new_remote);
        expect(&b, ROTATION_DELETING, ACTION_GET);
    }
}

static void draining_reads_gates_again_before_the_delete(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_gates(&b);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    b.f.older_holders = 1;
    got(&b, old_remote);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_true(b.r->next_at > b.f.now); /* no storm where clocks or lists disagree */
}

static void idle_draining_writes_nothing(void **state)
{
    _cleanup_bench_ struct bench b;
    struct rotation *before;
    unsigned listings = 0;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    before = rotation_copy(b.r);
    for (int i = 0; i < 23 * 12; i++) {
        pass(&b, 5 * USEC_PER_MINUTE);
        wake(&b);
        if (b.step.action == ACTION_LIST) {
            listings++;
            LISTED(&b, old_remote, new_remote);
        }
        expect(&b, ROTATION_DRAINING, ACTION_WAIT);
        assert_true(rotation_equal(b.r, before));
    }
    assert_in_range(listings, 7, 9);
    rotation_free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_gates_lead_to_deleting),
        cmocka_unit_test(gate_1_is_read_by_both_clocks),
        cmocka_unit_test(clock_that_was_set_back_begins_the_overlap_anew),
        cmocka_unit_test(huechats_clock_that_was_set_back_begins_it_anew_too),
        cmocka_unit_test(no_date_leaves_our_clock_to_judge),
        cmocka_unit_test(gate_2_wants_the_new_key_listed_and_probed),
        cmocka_unit_test(gate_3_waits_a_day_after_the_old_keys_use),
        cmocka_unit_test(gate_3_without_dates_ends_too),
        cmocka_unit_test(gate_4_waits_for_holders_and_sees_them_go),
        cmocka_unit_test(a_unit_that_fails_holds_the_deletion),
        cmocka_unit_test(gate_5_never_deletes_a_current_key),
        cmocka_unit_test(at_max_overlap),
        cmocka_unit_test(delete_at_max_overlap_reads_gate_2_again_after_a_start),
        cmocka_unit_test(compromised_waits_for_hooks_or_90_s_alone),
        cmocka_unit_test(draining_reads_gates_again_before_the_delete),
        cmocka_unit_test(idle_draining_writes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
