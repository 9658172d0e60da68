/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of whoever still has an older key: everybody may read it. */
#include "daemon/holders.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/io/process.h"

/* This process, as it fetched the first key. */
static struct holder *ourselves(void)
{
    struct holder holder = {.unit = (char *)"",
                            .invocation_id = (char *)"",
                            .command = (char *)"secretive",
                            .pid = getpid(),
                            .uid = getuid(),
                            .generation = 1};
    g_autofree char *boot = process_boot_id();

    holder.boot_id = boot;
    assert_int_equal(process_start_time(getpid(), &holder.start_time), 0);
    return holder_copy(&holder);
}

static int make_entry(void **state)
{
    struct registry *registry = registry_new();
    struct entry *entry = registry_put(registry, integration_new("crm"));
    static struct ledger_key key = {.state = KEY_CURRENT, .generation = 2};

    g_ptr_array_set_free_func(entry->keys, NULL);
    g_ptr_array_add(entry->keys, &key);
    g_ptr_array_add(entry->holders, ourselves());
    *state = registry;
    return 0;
}

static int free_entry(void **state)
{
    registry_free(*state);
    return 0;
}

static void test_named_in_user_mode(void **state)
{
    struct entry *entry = registry_find(*state, "crm");
    const char *text;

    assert_int_equal(holders_older(entry, false, &text), 1);
    assert_non_null(strstr(text, "still held by secretive (pid "));
}

static void test_counted_in_system_mode(void **state)
{
    struct entry *entry = registry_find(*state, "crm");
    const char *text;

    assert_int_equal(holders_older(entry, true, &text), 1);
    assert_string_equal(text, "still held by 1 program that keyturn status crm names");
    g_ptr_array_add(entry->holders, ourselves());
    assert_int_equal(holders_older(entry, true, &text), 2);
    assert_string_equal(text, "still held by 2 programs that keyturn status crm names");
}

static void test_not_all_are_named(void **state)
{
    struct entry *entry = registry_find(*state, "crm");
    const char *text;

    for (int i = 0; i < 99; i++)
        g_ptr_array_add(entry->holders, ourselves());
    assert_int_equal(holders_older(entry, false, &text), 100);
    assert_non_null(strstr(text, ", and 92 more"));
}

/* Its number says nothing any more. */
static void test_a_hidden_process_that_has_ended(void **state)
{
    struct entry *entry = registry_find(*state, "crm");
    struct holder *holder = entry->holders->pdata[0];
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    holder->watch = process_watch_new(child);
    assert_non_null(holder->watch);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_false(holder_is_alive(holder, true));
}

static void test_one_user_holds_no_more_than_can_be_looked_at(void **state)
{
    struct entry *entry = registry_find(*state, "crm");
    struct holder *more = ourselves();

    for (int i = 1; i < 1024; i++)
        g_ptr_array_add(entry->holders, ourselves());
    entry->holders_full_at = clock_now();
    assert_true(holders_take_one_more(NULL, entry, more));
    more->pid++;
    assert_false(holders_take_one_more(NULL, entry, more));
    more->uid++;
    assert_true(holders_take_one_more(NULL, entry, more));
    holder_free(more);
}

static void test_nobody(void **state)
{
    struct entry *entry = registry_find(*state, "crm");
    const char *text;

    ((struct holder *)entry->holders->pdata[0])->generation = 2;
    assert_int_equal(holders_older(entry, true, &text), 0);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_named_in_user_mode, make_entry, free_entry),
        cmocka_unit_test_setup_teardown(test_counted_in_system_mode, make_entry, free_entry),
        cmocka_unit_test_setup_teardown(test_nobody, make_entry, free_entry),
        cmocka_unit_test_setup_teardown(test_not_all_are_named, make_entry, free_entry),
        cmocka_unit_test_setup_teardown(test_a_hidden_process_that_has_ended, make_entry, free_entry),
        cmocka_unit_test_setup_teardown(test_one_user_holds_no_more_than_can_be_looked_at, make_entry,
                                        free_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
