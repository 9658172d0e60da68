/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a key may be, and what the kernel says of the memory that it lies in. */
#include "daemon/core/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#define KEY "sk_test_0123456789abcdef"
#define NOBODY 65534

#ifdef __SANITIZE_ADDRESS__
static const bool locks = false; /* its runtime makes mlock() do nothing */
#else
static const bool locks = true;
#endif

static struct secret *make(const char *text)
{
    return secret_new(text, strlen(text));
}

static void test_wellformed(void **state)
{
    g_autofree char *longest = g_strnfill(SECRET_MAX, 'k'), *too_long = g_strnfill(SECRET_MAX + 1, 'k');

    assert_true(secret_is_wellformed(KEY, strlen(KEY)));
    assert_true(secret_is_wellformed("!~!~!~!~", 8));
    assert_true(secret_is_wellformed(longest, SECRET_MAX));
    assert_false(secret_is_wellformed(too_long, SECRET_MAX + 1));
    assert_false(secret_is_wellformed("1234567", 7));
    assert_false(secret_is_wellformed("", 0));
    for (int c = 0; c < 256; c++) {
        char text[] = "0123456789abcdef";

        text[c % 16] = (char)c;
        assert_int_equal(secret_is_wellformed(text, 16), c > ' ' && c < 127);
    }
}

static void test_keeps(void **state)
{
    _cleanup_secret_ struct secret *secret = make(KEY), *copy = secret_copy(secret), *other = make(KEY "x");

    assert_string_equal(secret_text(secret), KEY);
    assert_int_equal(secret_length(secret), strlen(KEY));
    assert_string_equal(secret_last4(secret), "cdef");
    assert_ptr_not_equal(secret, copy);
    assert_true(secret_equal(secret, copy));
    assert_false(secret_equal(secret, other));
    secret = secret_free(secret);
    assert_string_equal(secret_text(copy), KEY);
}

static void test_refuses(void **state)
{
    errno = 0;
    assert_null(secret_new("sk_test_with\nnewline", 20));
    assert_int_equal(errno, EINVAL);
    assert_null(secret_new("short", 5));
    assert_null(secret_free(NULL));
}

/* Nothing of the text is left in its place; only the slot's first word is in use. */
static void test_erases(void **state)
{
    struct secret *secret = make(KEY);
    const unsigned char *place = (const unsigned char *)secret_text(secret);

    secret_free(secret);
    for (size_t i = 0; i < SECRET_MAX; i++)
        assert_int_equal(place[i], 0);
}

/* A slot that is used again shows nothing of a longer text before. */
static void test_reuse(void **state)
{
    struct secret *secret = make(KEY KEY KEY);
    _cleanup_secret_ struct secret *next = NULL;

    secret_free(secret);
    next = make("12345678");
    assert_string_equal(secret_text(next), "12345678");
    assert_int_equal(secret_length(next), 8);
}

static void test_many(void **state)
{
    struct secret *secrets[1000];

    for (int i = 0; i < 1000; i++) {
        g_autofree char *text = g_strdup_printf("%s%d", KEY, i);
        secrets[i] = make(text);
        assert_non_null(secrets[i]);
    }
    for (int i = 0; i < 1000; i++) {
        g_autofree char *text = g_strdup_printf("%s%d", KEY, i);
        assert_string_equal(secret_text(secrets[i]), text);
        secret_free(secrets[i]);
    }
}

/* The VmFlags of the mapping that holds an address, from /proc/self/smaps; "" if there is none. */
static char *flags_of(const void *address)
{
    g_autofree char *maps = NULL;
    g_auto(GStrv) lines = NULL;
    bool inside = false;

    assert_true(g_file_get_contents("/proc/self/smaps", &maps, NULL, NULL));
    lines = g_strsplit(maps, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        unsigned long start, end;

        if (sscanf(*line, "%lx-%lx ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        if (inside && g_str_has_prefix(*line, "VmFlags:"))
            return g_strconcat(*line, " ", NULL);
    }
    return g_strdup("");
}

static void test_memory(void **state)
{
    _cleanup_secret_ struct secret *secret = make(KEY);
    g_autofree char *flags = flags_of(secret);

    assert_non_null(strstr(flags, " dd ")); /* not in a core dump */
    assert_non_null(strstr(flags, " wf ")); /* wiped in a fork */
    assert_int_equal(strstr(flags, " lo ") != NULL, locks && secret_memory_is_locked());
}

static int in_child(int (*look)(const struct secret *), const struct secret *secret)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(look(secret));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int look_wiped(const struct secret *secret)
{
    for (size_t i = 0; i < SECRET_MAX; i++)
        if (secret_text(secret)[i] != '\0')
            return 1;
    return 0;
}

static int look_new(const struct secret *unused)
{
    struct secret *a = make(KEY), *b = make("12345678");

    return a != NULL && b != NULL && a != b && strcmp(secret_text(a), KEY) == 0 ? 0 : 1;
}

static void test_fork(void **state)
{
    _cleanup_secret_ struct secret *secret = make(KEY);

    assert_int_equal(in_child(look_wiped, secret), 0);
    assert_int_equal(in_child(look_new, secret), 0);
    assert_string_equal(secret_text(secret), KEY);
}

/* Without the right to lock memory, keys are kept all the same, and it is told. */
static int look_unlocked(const struct secret *unused)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (geteuid() == 0 && setuid(NOBODY) < 0))
        return 2;
    for (int i = 0; i < 1000; i++)
        if (make(KEY) == NULL)
            return 3;
    return secret_memory_is_locked();
}

static void test_no_right_to_lock(void **state)
{
    if (!locks)
        skip();
    assert_int_equal(in_child(look_unlocked, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wellformed),
        cmocka_unit_test(test_keeps),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_erases),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_no_right_to_lock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
