/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who fetched. */
#include "tests/unit/ledger-fixture.h"

static struct holder service(const char *invocation, uint64_t generation)
{
    return (struct holder){.boot_id = (char *)"b1",
                           .unit = (char *)"crm.service",
                           .invocation_id = (char *)invocation,
                           .pid = 4711,
                           .uid = 1000,
                           .command = (char *)"python3",
                           .generation = generation,
                           .last_at = 100,
                           .count = 1};
}

static struct holder process(pid_t pid, uint64_t generation)
{
    struct holder holder = service("", generation);

    holder.unit = (char *)"";
    holder.pid = pid;
    holder.start_time = UINT64_MAX;
    return holder;
}

static void note(struct fixture *f, const char *integration, const struct holder *holder)
{
    struct ledger_fetch fetch = {integration, holder};

    assert_int_equal(ledger_note_fetches(f->ledger, &fetch, 1), 0);
}

static guint count_holders(struct fixture *f, const char *integration)
{
    g_autoptr(GPtrArray) holders = ledger_load_holders(f->ledger, integration);

    assert_non_null(holders);
    return holders->len;
}

static int setup_crm(void **state)
{
    int r = fixture_setup(state);
    struct fixture *f = *state;

    return r < 0 ? r : ledger_put_integration(f->ledger, "crm", ENVIRONMENT_TEST);
}

static void test_fetches(void **state)
{
    struct fixture *f = *state;
    struct holder first = service("i1", 1), again = service("i1", 1);
    g_autoptr(GPtrArray) holders = NULL, integrations = NULL;
    const struct ledger_integration *crm;
    const struct holder *found;

    note(f, "crm", &first);
    again.pid = 4712;
    again.last_at = 250;
    again.count = 3;
    note(f, "crm", &again);
    fixture_reopen(f);
    holders = ledger_load_holders(f->ledger, "crm");
    assert_int_equal(holders->len, 1);
    found = holders->pdata[0];
    assert_true(holder_is_same(found, &first));
    assert_int_equal(found->pid, 4712);
    assert_int_equal(found->uid, 1000);
    assert_string_equal(found->command, "python3");
    assert_int_equal(found->first_at, 100);
    assert_int_equal(found->last_at, 250);
    assert_int_equal(found->count, 4);
    integrations = ledger_load_integrations(f->ledger);
    crm = integrations->pdata[0];
    assert_int_equal(crm->last_fetched_at, 250);
    assert_string_equal(crm->last_fetched_by, "crm.service (pid 4712)");
}

static void test_generations(void **state)
{
    struct fixture *f = *state;
    struct holder old = service("i1", 1), other = service("i2", 1), new = service("i1", 2);
    struct holder a = process(7, 1), b = process(8, 1), a_new = process(7, 2);

    note(f, "crm", &old);
    note(f, "crm", &other);
    note(f, "crm", &a);
    note(f, "crm", &b);
    assert_int_equal(count_holders(f, "crm"), 4);
    note(f, "crm", &new); /* takes the place of old */
    note(f, "crm", &a_new);
    assert_int_equal(count_holders(f, "crm"), 4);
    note(f, "crm", &old); /* an older generation, after all: both are held */
    assert_int_equal(count_holders(f, "crm"), 5);
}

static void test_drop(void **state)
{
    struct fixture *f = *state;
    struct holder a = process(7, 1), b = process(8, 1), c = service("i1", 2), b_later = process(8, 2);
    const struct holder *gone[] = {&a, &c, &b_later};
    g_autoptr(GPtrArray) left = NULL;

    note(f, "crm", &a);
    note(f, "crm", &b);
    note(f, "crm", &c);
    assert_int_equal(ledger_drop_holders(f->ledger, "crm", gone, G_N_ELEMENTS(gone)), 0);
    left = ledger_load_holders(f->ledger, "crm");
    assert_int_equal(left->len, 1);
    assert_true(holder_is_same(left->pdata[0], &b));
}

static void test_batch(void **state)
{
    struct fixture *f = *state;
    struct holder a = process(7, 1), b = process(8, 1);
    struct ledger_fetch fetches[] = {{"erp", &a}, {"crm", &a}, {"gone", &a}, {"crm", &b}};

    assert_int_equal(ledger_put_integration(f->ledger, "gone", ENVIRONMENT_TEST), 0);
    note(f, "gone", &b);
    assert_int_equal(ledger_forget_integration(f->ledger, "gone", NULL), 0);
    assert_int_equal(ledger_note_fetches(f->ledger, fetches, G_N_ELEMENTS(fetches)), 0);
    assert_int_equal(count_holders(f, "crm"), 2);
    assert_int_equal(count_holders(f, "gone"), 0);
    assert_int_equal(count_holders(f, "erp"), 0);
}

#undef TEST
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_crm, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fetches),
        TEST(test_generations),
        TEST(test_drop),
        TEST(test_batch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
