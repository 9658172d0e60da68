/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A list counts only if it is whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/core/listing.h"

/* Keys key_FIRST to key_(FIRST + n - 1). */
static enum listing_result add(struct listing *listing, unsigned first, unsigned n, uint64_t total,
                               bool has_more)
{
    struct remote_key keys[128] = {0};
    enum listing_result result;

    for (unsigned i = 0; i < n; i++)
        keys[i].id = g_strdup_printf("key_%u", first + i);
    result = listing_add(listing, keys, n, total, has_more);
    for (unsigned i = 0; i < n; i++)
        assert_null(keys[i].id);
    return result;
}

static int set_up(void **state)
{
    *state = listing_new();
    return 0;
}

static int tear_down(void **state)
{
    return listing_free(*state) != NULL;
}

static void an_empty_list_is_whole(void **state)
{
    assert_int_equal(add(*state, 0, 0, 0, false), LISTING_WHOLE);
}

static void pages_add_up(void **state)
{
    struct listing *listing = *state;

    assert_int_equal(add(listing, 0, 100, 220, true), LISTING_MORE);
    assert_int_equal(listing_offset(listing), 100);
    assert_int_equal(add(listing, 100, 20, 220, true), LISTING_MORE);
    assert_int_equal(listing_offset(listing), 120);
    assert_int_equal(add(listing, 120, 100, 220, false), LISTING_WHOLE);
    assert_string_equal(g_array_index(listing->keys, struct remote_key, 219).id, "key_219");
}

static void a_total_that_changes_is_wrong(void **state)
{
    assert_int_equal(add(*state, 0, 100, 150, true), LISTING_MORE);
    assert_int_equal(add(*state, 100, 49, 149, false), LISTING_WRONG);
}

static void an_id_twice_is_wrong(void **state)
{
    assert_int_equal(add(*state, 0, 100, 150, true), LISTING_MORE);
    assert_int_equal(add(*state, 99, 50, 150, false), LISTING_WRONG);
}

static void too_few_are_wrong(void **state)
{
    assert_int_equal(add(*state, 0, 3, 4, false), LISTING_WRONG);
}

static void more_than_the_total_is_wrong(void **state)
{
    assert_int_equal(add(*state, 0, 5, 4, true), LISTING_WRONG);
}

static void an_empty_page_before_the_end_is_wrong(void **state)
{
    assert_int_equal(add(*state, 0, 0, 4, true), LISTING_WRONG);
}

static void a_key_without_id_is_wrong(void **state)
{
    struct remote_key key = {.id = g_strdup("")};

    assert_int_equal(listing_add(*state, &key, 1, 1, false), LISTING_WRONG);
}

static void pages_have_an_end(void **state)
{
    for (unsigned page = 0; page < LISTING_MAX_PAGES - 1; page++)
        assert_int_equal(add(*state, page * 100, 100, 5000, true), LISTING_MORE);
    assert_int_equal(add(*state, 4900, 100, 5000, true), LISTING_WRONG);
}

static void more_than_was_asked_for_is_not_kept(void **state)
{
    struct listing *listing = *state;

    assert_int_equal(add(listing, 0, 100, 201, true), LISTING_MORE);
    assert_int_equal(add(listing, 100, 101, 201, false), LISTING_WRONG);
    assert_int_equal(listing->keys->len, 100);
}

static void too_many_in_all_are_not_asked_for(void **state)
{
    struct listing *listing = *state;

    assert_int_equal(add(listing, 0, 100, 5001, true), LISTING_WRONG);
    assert_int_equal(listing->keys->len, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_list_is_whole),
        TEST(pages_add_up),
        TEST(a_total_that_changes_is_wrong),
        TEST(an_id_twice_is_wrong),
        TEST(too_few_are_wrong),
        TEST(more_than_the_total_is_wrong),
        TEST(an_empty_page_before_the_end_is_wrong),
        TEST(a_key_without_id_is_wrong),
        TEST(pages_have_an_end),
        TEST(more_than_was_asked_for_is_not_kept),
        TEST(too_many_in_all_are_not_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
