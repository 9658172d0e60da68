/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotation machine at its end: the deletion and its proof, strays, and the late listings. */
#include "tests/unit/rotation-bench.h"

static void delete_compares_name_type_and_last4_first(void **state)
{
    static const struct remote_key others[] = {
        {.id = (char *)"key_old", .name = (char *)"crm", .type = ENVIRONMENT_LIVE, .last4 = (char *)"oooo"},
        {.id = (char *)"key_old", .name = (char *)"crm", .type = ENVIRONMENT_TEST, .last4 = (char *)"xxxx"},
        {.id = (char *)"key_old", .name = (char *)"x", .type = ENVIRONMENT_TEST, .last4 = (char *)"oooo"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        b.r->old_name = g_strdup("crm");
        to_gates(&b);
        got(&b, others[i]);
        expect(&b, ROTATION_HELD, ACTION_REMIND);
    }
}

static void a_list_that_lags_makes_no_storm(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_draining(&b);
    pass(&b, 8 * USEC_PER_HOUR);
    wake(&b);
    expect(&b, ROTATION_DRAINING, ACTION_LIST);
    listed(&b, 0, NULL);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    got(&b, old_remote);
    expect(&b, ROTATION_DRAINING, ACTION_WAIT);
    assert_int_equal(b.r->next_at, b.f.now + USEC_PER_HOUR);
}

static void delete_answers(void **state)
{
    const struct answer *const failures[] = {&broken, &timed_out, &refused, &unsent, &denied, &limited};

    for (size_t i = 0; i < G_N_ELEMENTS(failures); i++) {
        _cleanup_bench_ struct bench b;

        bench_open(&b, CAUSE_AGE);
        to_gates(&b);
        got(&b, old_remote);
        answered(&b, EVENT_DELETED, failures[i]);
        expect(&b, ROTATION_DELETING, ACTION_WAIT);
        assert_int_equal(b.r->next_at, b.f.now + (failures[i] == &limited ? 77 : 10) * USEC_PER_SEC);
        assert_int_equal(rotation_can_roll_back(b.r), failures[i] != &broken && failures[i] != &timed_out);
        pass(&b, 77 * USEC_PER_SEC);
        wake(&b);
        expect(&b, ROTATION_DELETING, ACTION_GET);
        answered(&b, EVENT_GOT, &absent);
        expect(&b, ROTATION_DELETING, ACTION_LIST);
        LISTED(&b, new_remote);
        expect(&b, ROTATION_DELETED, ACTION_PROBE_OLD);
    }
}

static void delete_that_finds_no_path_is_held(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_gates(&b);
    got(&b, old_remote);
    answered(&b, EVENT_DELETED, &absent);
    pass(&b, USEC_PER_SEC);
    wake(&b);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    got(&b, old_remote);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    assert_non_null(strstr(b.r->reason, "KeysPath="));
}

static void deleted_key_may_work_for_a_minute(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_deleted(&b);
    answered(&b, EVENT_PROBED_OLD, &ok);
    expect(&b, ROTATION_DELETED, ACTION_WAIT);
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    answered(&b, EVENT_PROBED_OLD, &ok);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    say(&b, EVENT_RESUME);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

static void deleted_key_that_is_listed_is_not_done_with(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_deleted(&b);
    result(&b, EVENT_PROBED_OLD, -ENOKEY);
    result(&b, EVENT_ERASED, 0);
    LISTED(&b, old_remote, new_remote);
    expect(&b, ROTATION_DELETED, ACTION_WAIT);
    pass(&b, USEC_PER_MINUTE);
    wake(&b);
    LISTED(&b, old_remote, new_remote);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    assert_int_equal(b.r->held_from, ROTATION_DELETING);
}

static void key_that_others_deleted_is_only_proved_gone(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    to_swapped(&b);
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DELETING, ACTION_GET);
    answered(&b, EVENT_GOT, &absent);
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DELETED, ACTION_PROBE_OLD);
}

static void the_new_key_under_another_id_is_no_stray(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key real = new_remote, other = new_remote;

    real.id = (char *)"key_real";
    real.name = (char *)"crm [kt 7f3a9c21.1]";
    other.name = (char *)"somebody else's";
    other.last4 = (char *)"zzzz";
    bench_open(&b, CAUSE_AGE);
    to_deleted(&b);
    answered(&b, EVENT_PROBED_OLD, &denied);
    result(&b, EVENT_ERASED, 0);
    LISTED(&b, other, real);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
}

static void stray_of_this_rotation_goes_before_done(void **state)
{
    _cleanup_bench_ struct bench b;
    struct remote_key stray = new_remote, foreign = new_remote;

    stray.id = (char *)"key_stray";
    stray.name = (char *)"crm [kt 7f3a9c21.2]";
    foreign.id = (char *)"key_foreign";
    foreign.name = (char *)"crm [kt 11111111.1]";
    bench_open(&b, CAUSE_AGE);
    to_deleted(&b);
    answered(&b, EVENT_PROBED_OLD, &denied);
    result(&b, EVENT_ERASED, 0);
    LISTED(&b, new_remote, foreign, stray);
    expect(&b, ROTATION_DELETED, ACTION_GET);
    got(&b, stray);
    expect(&b, ROTATION_DELETED, ACTION_DELETE);
    assert_string_equal(b.step.id, "key_stray");
    answered(&b, EVENT_DELETED, &ok);
    pass(&b, USEC_PER_SEC);
    wake(&b);
    LISTED(&b, new_remote, foreign);
    expect(&b, ROTATION_DONE, ACTION_END);
}

static void unknown_outcome_is_looked_at_four_times_more(void **state)
{
    static const usec_t spans[] = {USEC_PER_MINUTE, 9 * USEC_PER_MINUTE, 50 * USEC_PER_MINUTE,
                                   23 * USEC_PER_HOUR};
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_ADD);
    to_swapped(&b);
    b.r->outcome_unknown = true;
    LISTED(&b, new_remote);
    expect(&b, ROTATION_DONE, ACTION_WAIT);
    for (size_t i = 0; i < G_N_ELEMENTS(spans); i++) {
        expect(&b, ROTATION_DONE, ACTION_WAIT);
        assert_int_equal(b.r->next_at, b.f.now + spans[i]);
        restart(&b);
        pass(&b, spans[i]);
        wake(&b);
        expect(&b, ROTATION_DONE, ACTION_LIST);
        LISTED(&b, new_remote);
    }
    expect(&b, ROTATION_DONE, ACTION_END);
}

static void foreign_ledger_deletes_nothing(void **state)
{
    _cleanup_bench_ struct bench b;

    bench_open(&b, CAUSE_AGE);
    b.f.foreign = true;
    to_gates(&b);
    got(&b, old_remote);
    expect(&b, ROTATION_HELD, ACTION_REMIND);
    b.f.foreign = false;
    say(&b, EVENT_RESUME);
    expect(&b, ROTATION_DELETING, ACTION_GET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delete_compares_name_type_and_last4_first),
        cmocka_unit_test(a_list_that_lags_makes_no_storm),
        cmocka_unit_test(the_new_key_under_another_id_is_no_stray),
        cmocka_unit_test(delete_answers),
        cmocka_unit_test(delete_that_finds_no_path_is_held),
        cmocka_unit_test(deleted_key_may_work_for_a_minute),
        cmocka_unit_test(deleted_key_that_is_listed_is_not_done_with),
        cmocka_unit_test(key_that_others_deleted_is_only_proved_gone),
        cmocka_unit_test(stray_of_this_rotation_goes_before_done),
        cmocka_unit_test(unknown_outcome_is_looked_at_four_times_more),
        cmocka_unit_test(foreign_ledger_deletes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
