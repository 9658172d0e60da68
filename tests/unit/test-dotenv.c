/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which key comes out of a .env file. */
#include "client/dotenv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_found(const char *text, const char *variable, const char *expected)
{
    g_autoptr(GError) error = NULL;
    _cleanup_secret_ struct secret *secret = dotenv_find(text, strlen(text), variable, &error);

    assert_null(error);
    assert_non_null(secret);
    assert_string_equal(secret->text, expected);
    assert_int_equal(secret->length, strlen(expected));
}

/* The message names variables, and no value. */
static void assert_refused(const char *text, const char *variable, const char *part)
{
    g_autoptr(GError) error = NULL;
    _cleanup_secret_ struct secret *secret = dotenv_find(text, strlen(text), variable, &error);

    assert_null(secret);
    assert_non_null(error);
    assert_non_null(strstr(error->message, part));
    assert_null(strstr(error->message, "sk_"));
}

static void test_forms(void **state)
{
    assert_found("HUECHAT_API_KEY=sk_test_a", NULL, "sk_test_a");
    assert_found("# a comment\n\nexport HUECHAT_API_KEY='sk_test_a' # mine\n", NULL, "sk_test_a");
    assert_found("  HUECHAT_API_KEY = \"sk_test_a\"  \r\n", NULL, "sk_test_a");
    assert_found("HUECHAT_API_KEY=sk_test_a   # mine\r\n", NULL, "sk_test_a");
    assert_found("HUECHAT_API_KEY=sk_test_a\r\nOTHER=1\r\n", NULL, "sk_test_a");
    assert_found("HUECHAT_API_KEY=sk_test_a#b\n", NULL, "sk_test_a#b");
    assert_found("\xEF\xBB\xBFHUECHAT_API_KEY=sk_test_a\n", NULL, "sk_test_a");
    assert_found("exported=1\nexport=2\nHUECHAT_API_KEY=sk_test_a\n", NULL, "sk_test_a");
}

static void test_choice(void **state)
{
    assert_found("HUECHAT_API_KEY=sk_test_a\nHUECHAT_API_KEY=sk_test_b\n", NULL, "sk_test_b");
    assert_found("A=sk_live_a\nHUECHAT_API_KEY=sk_test_b\n", NULL, "sk_test_b");
    assert_found("A=1\nMY_KEY=sk_live_a\n", NULL, "sk_live_a");
    assert_found("A=sk_live_a\nB=sk_live_b\n", "B", "sk_live_b");
    assert_found("HUECHAT_API_KEY=sk_test_a\nB=else\n", "B", "else");
}

static void test_refusals(void **state)
{
    assert_refused("", NULL, "no HueChat key");
    assert_refused("A=1\n#HUECHAT_API_KEY=sk_test_a\n", NULL, "no HueChat key");
    assert_refused("HUECHAT_API_KEY=\n", NULL, "no HueChat key");
    assert_refused("HUECHAT_API_KEY='sk_test_never_closed\n", NULL, "no HueChat key");
    assert_refused("A=sk_live_a\nB=sk_test_b\n", NULL, "A, B");
    assert_refused("A=sk_live_a\nsk_test_9aB3=sk_test_b\n", NULL, "A, (a key)");
    assert_refused("A=sk_live_a\n", "C", "no C");
    assert_refused("NOT_HUECHAT_API_KEY sk_test_a\n=sk_test_b\n", NULL, "no HueChat key");
}

static void assert_unread(const char *path, const char *why)
{
    g_autoptr(GError) error = NULL;

    assert_null(dotenv_read(path, NULL, &error));
    assert_non_null(strstr(error->message, why));
}

/* Nothing that hangs, or that an open() sets in motion. */
static void test_what_is_no_file(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("dotenv-XXXXXX", NULL),
                    *path = g_build_filename(folder, ".env", NULL);

    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(20);
    assert_unread(path, "no HueChat key"); /* nobody writes */
    alarm(0);
    assert_unread("/dev/zero", "can't be read (Operation not supported)");
    assert_unread(folder, "can't be read");
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_is_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
