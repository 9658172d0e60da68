/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger on a disk that is full, read-only or failing, and under SIGKILL: what was committed is there,
 * what was not has left no trace. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/core/errors.h"
#include "tests/unit/ledger-records.h"

#define KILLS 50

static void limit_files(rlim_t size)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* The disk fills up at every 700th byte of a commit. */
static void test_full(void **state)
{
    struct fixture *f = *state;
    g_autofree char *log = g_strconcat(f->path, "-wal", NULL);
    unsigned n = 0, failures = 0;

    signal(SIGXFSZ, SIG_IGN);
    put_crm(f);
    for (rlim_t room = 0; room < 40000; room += 700) {
        struct stat st;
        int r;

        assert_int_equal(stat(log, &st), 0);
        limit_files((rlim_t)st.st_size + room);
        r = commit_record(f->ledger, n + 1);
        limit_files(RLIM_INFINITY);
        if (r != 0)
            assert_int_equal(r, -ENOSPC);
        failures += r < 0;
        n += r == 0;
        assert_records(f, n);
    }
    assert_true(failures > 5);
    assert_true(n > 5);
    assert_int_equal(commit_record(f->ledger, n + 1), 0);
    fixture_reopen(f);
    assert_records(f, n + 1);
}

static void remove_ledger(struct fixture *f)
{
    g_autofree char *log = g_strconcat(f->path, "-wal", NULL);

    fixture_close(f);
    assert_int_equal(g_remove(f->path), 0);
    g_remove(log);
}

/* The disk fills up while a new ledger is made: it is none yet, and is made when there is room. */
static void test_full_at_open(void **state)
{
    struct fixture *f = *state;
    unsigned failures = 0;

    signal(SIGXFSZ, SIG_IGN);
    remove_ledger(f);
    for (rlim_t room = 0; room < 300000; room += 10000) {
        g_autoptr(GError) error = NULL;
        enum ledger_condition condition;

        limit_files(room);
        f->ledger = ledger_open(f->path, &condition, &error);
        limit_files(RLIM_INFINITY);
        if (f->ledger == NULL) {
            assert_true(g_error_matches(error, KT_ERROR, KT_FAILED));
            assert_non_null(strstr(error->message, "no space left"));
            failures++;
        }
        fixture_close(f);
        fixture_open(f, error != NULL ? LEDGER_NEW : LEDGER_FOUND);
        remove_ledger(f);
    }
    assert_in_range(failures, 5, 25);
}

/* From here on this process' system call fails. */
static int break_call(long number, int with)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)with),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {G_N_ELEMENTS(filter), filter};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 ? -errno : 0;
}

static const struct {
    long call;
    int with;
    int expected;
} faults[] = {
    {SYS_pwrite64, ENOSPC, -ENOSPC}, {SYS_pwrite64, EDQUOT, -ENOSPC}, {SYS_pwrite64, EROFS, -EROFS},
    {SYS_pwrite64, EIO, -EIO},       {SYS_fdatasync, EIO, -EIO},
};

static int fail_commit(struct fixture *f, size_t i)
{
    enum ledger_condition condition;

    f->ledger = ledger_open(f->path, &condition, NULL);
    if (f->ledger == NULL || break_call(faults[i].call, faults[i].with) < 0)
        return 2;
    for (int times = 0; times < 2; times++) {
        g_autoptr(GPtrArray) rotations = NULL;
        int r = commit_record(f->ledger, 2);

        if (r != faults[i].expected) {
            print_error("%s came back as %d\n", g_strerror(faults[i].with), r);
            return 4;
        }
        rotations = ledger_load_rotations(f->ledger);
        if (rotations == NULL || rotations->len != 1)
            return 3;
    }
    return 0;
}

static void test_failing(void **state)
{
    struct fixture *f = *state;

    put_crm(f);
    assert_int_equal(commit_record(f->ledger, 1), 0);
    fixture_close(f);
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        int status;
        pid_t pid = fork();

        if (pid == 0)
            _exit(fail_commit(f, i));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        if (faults[i].call == SYS_fdatasync)
            break; /* all was written: such a commit may come back */
        fixture_open(f, LEDGER_FOUND);
        assert_records(f, 1);
        fixture_close(f);
    }
}

static void test_killed(void **state)
{
    struct fixture *f = *state;
    unsigned seed = (unsigned)getpid(), n = 0;
    GRand *random = g_rand_new_with_seed(seed);

    print_message("seed %u\n", seed);
    put_crm(f);
    for (int i = 0; i < KILLS; i++) {
        g_autoptr(GPtrArray) rotations = NULL;

        fixture_close(f);
        n = kill_committer(f, n, i % 2 == 0, random);
        fixture_open(f, LEDGER_FOUND);
        rotations = ledger_load_rotations(f->ledger);
        assert_true(rotations->len == n || rotations->len == n + 1);
        n = rotations->len;
    }
    print_message("%u commits, %d kills\n", n, KILLS);
    assert_true(n >= KILLS / 2);
    assert_records(f, n);
    g_rand_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_full),
        TEST(test_full_at_open),
        TEST(test_failing),
        TEST(test_killed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
