/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first of a kind is told, the others are counted, and none is lost, whatever is varied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>

#include "daemon/core/tally.h"

static int setup(void **state)
{
    *state = tally_new();
    return 0;
}

static int teardown(void **state)
{
    *state = tally_free(*state);
    return 0;
}

static bool add(struct tally *tally, uid_t uid, const char *unit, const char *integration, const char *rule)
{
    return tally_add(tally, &(struct tally_kind){uid, unit, integration, rule});
}

static const char *or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static void append(const struct tally_count *count, void *userdata)
{
    g_string_append_printf(userdata, "%d %d %s %s %s %u\n", (int)count->scope, (int)count->kind.uid,
                           or_dash(count->kind.unit), or_dash(count->kind.integration),
                           or_dash(count->kind.rule), (unsigned)count->count);
}

static void assert_counts(struct tally *tally, const char *expected)
{
    g_autoptr(GString) found = g_string_new(NULL);

    tally_end(tally, append, found);
    assert_string_equal(found->str, expected);
    assert_true(tally_is_empty(tally));
}

static void test_kinds(void **state)
{
    struct tally *tally = *state;

    assert_true(tally_is_empty(tally));
    assert_true(add(tally, 1000, "a.service", "crm", "no rule"));
    assert_false(tally_is_empty(tally));
    assert_false(add(tally, 1000, "a.service", "crm", "no rule"));
    assert_true(add(tally, 1001, "a.service", "crm", "no rule"));
    assert_true(add(tally, 1000, NULL, "crm", "no rule"));
    assert_false(add(tally, 1000, "", "crm", "no rule"));
    assert_true(add(tally, 1000, "a.service", "erp", "no rule"));
    assert_true(add(tally, 1000, "a.service", "crm", "polkit"));
    assert_true(add(tally, (uid_t)-1, NULL, "crm", "no rule"));
    assert_false(add(tally, 1000, "a.service", "crm", "no rule"));
    assert_false(add(tally, 1001, "a.service", "crm", "no rule"));
    assert_counts(tally, "0 1000 a.service crm no rule 2\n0 1000  crm no rule 1\n"
                         "0 1001 a.service crm no rule 1\n");
    assert_counts(tally, "");
    assert_true(add(tally, 1000, "a.service", "crm", "no rule"));
    assert_counts(tally, "");
}

/* The texts are the caller's. */
static void test_copies(void **state)
{
    struct tally *tally = *state;
    char name[] = "crm";

    assert_true(add(tally, 0, NULL, name, "x"));
    assert_false(add(tally, 0, NULL, name, "x"));
    name[0] = '?';
    assert_counts(tally, "0 0  crm x 1\n");
}

static unsigned add_names(struct tally *tally, uid_t uid, unsigned n)
{
    unsigned told = 0;

    for (unsigned i = 0; i < n; i++) {
        g_autofree char *name = g_strdup_printf("%064u", i);

        told += add(tally, uid, i % 3 == 0 ? name : "", i % 3 == 1 ? name : "", i % 3 == 2 ? name : "");
    }
    return told;
}

static void test_names_are_bounded(void **state)
{
    struct tally *tally = *state;

    assert_int_equal(add_names(tally, 1000, 5000), TALLY_KINDS);
    assert_true(add(tally, 1001, "", "crm", "")); /* another one's budget is its own */
    assert_counts(tally, "1 1000 - - - 4984\n");
}

static void sum(const struct tally_count *count, void *userdata)
{
    *(uint64_t *)userdata += count->count;
    assert_true(count->count > 0);
}

static unsigned told_in_a_minute(struct tally *tally, uid_t uid)
{
    unsigned told = 0;

    for (int i = 0; i < 100; i++) {
        g_autofree char *name = g_strdup_printf("name%d", i);

        told += add(tally, uid, NULL, name, "no rule");
    }
    return told;
}

static void end_minute(struct tally *tally)
{
    g_autoptr(GString) found = g_string_new(NULL);

    tally_end(tally, append, found);
}

/* Minute after minute: less and less, until it has rested. */
static void test_who_goes_on_is_told_less_of(void **state)
{
    struct tally *tally = *state;
    unsigned told = 0;

    for (int minute = 0; minute < 100; minute++) {
        told = told_in_a_minute(tally, 1000);
        if (minute == 0)
            assert_int_equal(told, TALLY_KINDS);
        end_minute(tally);
    }
    assert_int_equal(told, TALLY_ROOM_A_MINUTE);
    assert_int_equal(told_in_a_minute(tally, 1001), TALLY_KINDS);
    for (int minute = 0; minute < 100; minute++)
        end_minute(tally);
    assert_false(tally_remembers(tally));
    assert_int_equal(told_in_a_minute(tally, 1000), TALLY_KINDS);
}

static void test_uids_are_bounded(void **state)
{
    struct tally *tally = *state;
    unsigned told = 0;
    uint64_t counted = 0;

    for (uid_t uid = 1000; uid < 2000; uid++)
        told += add_names(tally, uid, 40);
    assert_int_equal(told, TALLY_UIDS * TALLY_KINDS);
    tally_end(tally, sum, &counted);
    assert_int_equal(told + counted, 40000);
}

/* Thousands of uids that belong to one person leave room for others. */
static void test_subordinate_uids(void **state)
{
    struct tally *tally = *state;
    unsigned told = 0;

    for (uid_t uid = TALLY_SUBORDINATE; uid < TALLY_SUBORDINATE + 5000; uid++)
        told += add(tally, uid, "", "crm", "");
    assert_int_equal(told, TALLY_UIDS / 2);
    assert_true(add(tally, 1000, "", "crm", ""));
    assert_true(add(tally, 0, "", "crm", ""));
    assert_counts(tally, "2 -1 - - - 4984\n");
}

static void test_further_uids(void **state)
{
    struct tally *tally = *state;

    for (uid_t uid = 0; uid < TALLY_UIDS + 7; uid++)
        add(tally, uid, "", "crm", "");
    assert_counts(tally, "2 -1 - - - 7\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),
        TEST(test_copies),
        TEST(test_names_are_bounded),
        TEST(test_uids_are_bounded),
        TEST(test_who_goes_on_is_told_less_of),
        TEST(test_further_uids),
        TEST(test_subordinate_uids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
