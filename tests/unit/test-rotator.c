/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rotator: what is on disk comes before what is done, whatever the disk says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "daemon/rotator.h"

struct world {
    struct rotator *rotator;
    usec_t now;
    int disk;            /* what commit answers */
    unsigned disk_after; /* so many more commits and it answers -ENOSPC */
    struct rotation *disk_record;
    enum rotation_action performed; /* last */
    unsigned commits, performs, changes, pauses, attentions, reminders, ends;
    bool paused;
};

static usec_t world_now(void *userdata)
{
    return ((struct world *)userdata)->now;
}

static void read_facts(const struct rotation *rotation, struct rotation_facts *ret, void *userdata)
{
    struct world *w = userdata;

    *ret = (struct rotation_facts){.now = w->now,
                                   .keyring_ready = true,
                                   .paused = w->paused,
                                   .overlap = USEC_PER_DAY,
                                   .max_overlap = 7 * USEC_PER_DAY,
                                   .timeout = 10 * USEC_PER_SEC,
                                   .old_secret_known = true,
                                   .holders_text = ""};
}

static int commit(struct rotation *rotation, enum rotation_state from, enum rotation_change change,
                  void *userdata)
{
    struct world *w = userdata;

    w->commits++;
    if (w->disk < 0)
        return w->disk;
    if (w->disk_after > 0 && --w->disk_after == 0)
        w->disk = -ENOSPC;
    if (change == CHANGE_NEW_KEY)
        rotation->new_key = 2;
    rotation_free(w->disk_record);
    w->disk_record = rotation_copy(rotation);
    return 0;
}

static void perform(const struct rotation *rotation, const struct rotation_step *step, void *userdata)
{
    struct world *w = userdata;

    assert_true(rotation_equal(rotation, w->disk_record));
    w->performed = step->action;
    w->performs++;
}

static void changed(const struct rotation *rotation, enum rotation_state from,
                    const struct rotation_step *step, void *userdata)
{
    struct world *w = userdata;

    w->changes++;
    w->pauses += step->pause;
    w->attentions += step->attention;
    if (step->pause)
        w->paused = true;
}

static void remind(const struct rotation *rotation, void *userdata)
{
    ((struct world *)userdata)->reminders++;
}

static void ended(const struct rotation *rotation, void *userdata)
{
    ((struct world *)userdata)->ends++;
}

static const struct rotator_world table = {.now = world_now,
                                           .read_facts = read_facts,
                                           .commit = commit,
                                           .perform = perform,
                                           .changed = changed,
                                           .remind = remind,
                                           .ended = ended};

static struct rotation *record_of(const char *name, const char *rid)
{
    struct rotation *r = rotation_new(rid, name, ENVIRONMENT_TEST, CAUSE_ASKED, USEC_PER_DAY);

    r->permissions = g_strdup("contacts:read");
    r->old_key = 1;
    r->old_id = g_strdup("key_old");
    r->old_last4 = g_strdup("oooo");
    return r;
}

static void world_open(struct world *w)
{
    *w = (struct world){.now = USEC_PER_DAY};
    w->rotator = rotator_new(&table, w);
}

static void world_close(struct world *w)
{
    rotator_free(w->rotator);
    rotation_free(w->disk_record);
}

#define _cleanup_world_ __attribute__((cleanup(world_close)))

static void tell(struct world *w, enum rotation_event_type type, unsigned status, const char *error)
{
    struct answer answer = {.status = status,
                            .sent = status != 0,
                            .complete = true,
                            .error = (char *)error,
                            .message = (char *)"message"};
    struct remote_key key = {.id = (char *)"key_old", .type = ENVIRONMENT_TEST, .last4 = (char *)"oooo"};

    rotator_answer(w->rotator, "00000001",
                   &(struct rotation_event){.type = type, .answer = &answer, .key = &key});
}

static void to_create(struct world *w)
{
    assert_int_equal(rotator_start(w->rotator, record_of("crm", "00000001")), 0);
    assert_int_equal(w->performed, ACTION_GET);
    tell(w, EVENT_GOT, 200, "");
    assert_int_equal(w->performed, ACTION_CHECK_KEYRING);
    tell(w, EVENT_KEYRING_CHECKED, 0, "");
    assert_int_equal(w->performed, ACTION_CREATE);
}

static void nothing_starts_without_its_record(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    w.disk = -ENOSPC;
    assert_int_equal(rotator_start(w.rotator, record_of("crm", "00000001")), -ENOSPC);
    assert_int_equal(w.performs, 0);
    assert_null(rotator_find(w.rotator, "crm"));
}

static void create_leaves_only_with_its_intent_on_disk(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    to_create(&w);
    w.disk = -EIO;
    assert_false(rotator_sending(w.rotator, "00000001"));
    assert_int_equal(w.disk_record->sent_at, 0);
    w.disk = 0;
    tell(&w, EVENT_CREATED, 0, "");
    assert_int_equal(w.disk_record->sent_at, 0);
    assert_int_equal(rotator_find(w.rotator, "crm")->state, ROTATION_CREATING);
    w.now += 10 * USEC_PER_SEC;
    rotator_tick(w.rotator);
    tell(&w, EVENT_KEYRING_CHECKED, 0, "");
    assert_true(rotator_sending(w.rotator, "00000001"));
    assert_int_equal(w.disk_record->sent_at, w.now);
}

static void full_disk_is_tried_again_and_nothing_is_done_meanwhile(void **state)
{
    _cleanup_world_ struct world w;
    unsigned performs;

    world_open(&w);
    to_create(&w);
    assert_true(rotator_sending(w.rotator, "00000001"));
    w.disk = -ENOSPC;
    performs = w.performs;
    tell(&w, EVENT_CREATED, 503, "");
    assert_int_equal(w.performs, performs);
    assert_int_equal(rotator_next(w.rotator), w.now + 10 * USEC_PER_SEC);
    assert_int_equal(rotator_say(w.rotator, "crm", &(struct rotation_event){.type = EVENT_HURRY}), -EIO);
    w.now += 10 * USEC_PER_SEC;
    rotator_tick(w.rotator);
    assert_int_equal(w.performs, performs);
    w.disk = 0;
    w.now -= USEC_PER_DAY / 2; /* a clock that is set back keeps nothing waiting */
    rotator_tick(w.rotator);
    assert_int_equal(w.performs, performs + 1);
    assert_int_equal(w.performed, ACTION_LIST);
    assert_int_equal(w.disk_record->state, ROTATION_RECONCILING);
}

static void overlap_begins_when_the_swap_is_on_disk(void **state)
{
    _cleanup_world_ struct world w;
    struct rotation *record = record_of("crm", "00000001");

    world_open(&w);
    record->state = ROTATION_STORED;
    record->new_key = 2;
    record->new_id = g_strdup("key_new");
    record->managed_by = MANAGED_BY_DASHBOARD;
    w.disk_record = rotation_copy(record);
    rotator_adopt(w.rotator, record);
    rotator_wake(w.rotator);
    assert_int_equal(w.performed, ACTION_PROBE_NEW);
    w.disk_after = 1; /* verified is saved, the swap is not */
    tell(&w, EVENT_PROBED_NEW, 200, "");
    assert_int_equal(w.disk_record->state, ROTATION_VERIFIED);
    w.disk = 0;
    w.now += 3 * USEC_PER_HOUR;
    rotator_tick(w.rotator);
    assert_int_equal(w.disk_record->state, ROTATION_DRAINING);
    assert_int_equal(w.disk_record->swapped_at, w.now);
}

static void pause_is_told_without_a_write(void **state)
{
    _cleanup_world_ struct world w;
    unsigned commits;

    world_open(&w);
    assert_int_equal(rotator_start(w.rotator, record_of("crm", "00000001")), 0);
    commits = w.commits;
    tell(&w, EVENT_GOT, 401, "unauthorized");
    assert_int_equal(w.commits, commits);
    assert_int_equal(w.pauses, 1);
    assert_int_equal(w.performs, 1);
    assert_int_equal(rotator_next(w.rotator), USEC_INFINITY);
    w.paused = false;
    rotator_wake(w.rotator);
    assert_int_equal(w.performs, 2);
}

static void words_wait_for_the_answer_and_a_hurry_is_on_disk_before(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    assert_int_equal(rotator_start(w.rotator, record_of("crm", "00000001")), 0);
    assert_int_equal(rotator_say(w.rotator, "crm", &(struct rotation_event){.type = EVENT_HURRY}), 0);
    assert_true(w.disk_record->compromised);
    assert_int_equal(rotator_say(w.rotator, "crm", &(struct rotation_event){.type = EVENT_ROLLBACK}), 0);
    assert_int_equal(w.disk_record->state, ROTATION_PLANNED);
    assert_int_equal(w.performs, 1);
    tell(&w, EVENT_GOT, 503, "");
    assert_int_equal(w.ends, 1);
    assert_null(rotator_find(w.rotator, "crm"));
    assert_int_equal(rotator_say(w.rotator, "crm", &(struct rotation_event){.type = EVENT_HURRY}), -ENOENT);
}

static void hurry_that_can_not_be_saved_is_refused(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    assert_int_equal(rotator_start(w.rotator, record_of("crm", "00000001")), 0);
    w.disk = -EIO;
    assert_int_equal(rotator_say(w.rotator, "crm", &(struct rotation_event){.type = EVENT_HURRY}), -EIO);
    w.disk = 0;
    tell(&w, EVENT_GOT, 503, "");
    assert_int_equal(rotator_next(w.rotator), w.now + 5 * USEC_PER_SEC);
}

static void clock_that_was_set_back_keeps_nobody_waiting(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    assert_int_equal(rotator_start(w.rotator, record_of("crm", "00000001")), 0);
    tell(&w, EVENT_GOT, 503, "");
    assert_int_equal(w.performs, 1);
    rotator_tick(w.rotator);
    assert_int_equal(w.performs, 1);
    w.now -= USEC_PER_HOUR;
    rotator_tick(w.rotator);
    assert_int_equal(w.performs, 2);
}

static void answers_to_nobody_are_passed_over(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    tell(&w, EVENT_GOT, 200, "");
    assert_false(rotator_sending(w.rotator, "00000001"));
    assert_int_equal(rotator_start(w.rotator, record_of("crm", "00000001")), 0);
    rotator_forget(w.rotator, "crm");
    tell(&w, EVENT_GOT, 200, "");
    assert_int_equal(w.performs, 1);
}

static void one_rotations_trouble_is_its_own(void **state)
{
    _cleanup_world_ struct world w;

    world_open(&w);
    assert_int_equal(rotator_start(w.rotator, record_of("slow", "00000002")), 0);
    to_create(&w); /* while the other waits for an answer that does not come */
    assert_int_equal(rotator_find(w.rotator, "slow")->state, ROTATION_PLANNED);
}

static void adopted_record_moves_at_the_first_wake(void **state)
{
    _cleanup_world_ struct world w;
    struct rotation *record = record_of("crm", "00000001");

    world_open(&w);
    record->state = ROTATION_CREATING;
    record->attempt = 1;
    record->sent_at = w.now;
    w.disk_record = rotation_copy(record);
    rotator_adopt(w.rotator, record);
    assert_int_equal(w.performs, 0);
    rotator_wake(w.rotator);
    assert_int_equal(w.performed, ACTION_LIST);
    assert_int_equal(w.disk_record->state, ROTATION_RECONCILING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_starts_without_its_record),
        cmocka_unit_test(create_leaves_only_with_its_intent_on_disk),
        cmocka_unit_test(full_disk_is_tried_again_and_nothing_is_done_meanwhile),
        cmocka_unit_test(overlap_begins_when_the_swap_is_on_disk),
        cmocka_unit_test(pause_is_told_without_a_write),
        cmocka_unit_test(words_wait_for_the_answer_and_a_hurry_is_on_disk_before),
        cmocka_unit_test(hurry_that_can_not_be_saved_is_refused),
        cmocka_unit_test(clock_that_was_set_back_keeps_nobody_waiting),
        cmocka_unit_test(answers_to_nobody_are_passed_over),
        cmocka_unit_test(one_rotations_trouble_is_its_own),
        cmocka_unit_test(adopted_record_moves_at_the_first_wake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
