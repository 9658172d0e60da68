/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ledger on a disk that is full, read-only, failing or damaged, and under SIGKILL: what was committed is
 * there, what was not has left no trace. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/ledger-fixture.h"

#define KILLS 50

/* Record number n with all that a commit can carry: a key, an event. */
static int commit_record(struct ledger *ledger, unsigned n)
{
    g_autofree char *rid = g_strdup_printf("%08x", n);
    struct ledger_event event = {.time = n, .integration = "crm", .event = "rotation", .rotation = rid};
    struct rotation *rotation = rotation_new(rid, "crm", ENVIRONMENT_TEST, CAUSE_AGE, n);
    int r;

    rotation->new_id = g_strdup_printf("key_%u", n);
    rotation->new_last4 = g_strdup("9xyz");
    rotation->permissions = g_strnfill(500, 'x');
    r = ledger_commit_rotation(ledger, rotation, CHANGE_NEW_KEY, &event);
    if (r == 0 && rotation->new_key == 0)
        r = -EPROTO;
    if (r < 0 && rotation->new_key != 0)
        r = -EPROTO;
    rotation_free(rotation);
    return r;
}

/* Records 1 to n are there, whole, and nothing else. */
static void assert_records(struct fixture *f, unsigned n)
{
    g_autoptr(GPtrArray) rotations = ledger_load_rotations(f->ledger);
    g_autoptr(GPtrArray) keys = ledger_load_keys(f->ledger);

    assert_non_null(rotations);
    assert_non_null(keys);
    assert_int_equal(rotations->len, n);
    assert_int_equal(keys->len, n > 0 ? 1 : 0); /* the newest; the others are closed */
    assert_int_equal(fixture_count_events(f), n);
    for (unsigned i = 0; i < n; i++) {
        const struct rotation *rotation = rotations->pdata[i];
        g_autofree char *id = g_strdup_printf("key_%u", i + 1);
        struct ledger_key *key = NULL;

        assert_int_equal(rotation->started_at, i + 1);
        assert_int_equal(ledger_load_key(f->ledger, rotation->new_key, &key), 0);
        assert_string_equal(key->id, id);
        ledger_key_free(key);
    }
}

static void put_crm(struct fixture *f)
{
    assert_int_equal(ledger_put_integration(f->ledger, "crm", ENVIRONMENT_TEST), 0);
}

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

/* Commits for ever, and tells each commit once it is one. */
static void commit_for_ever(struct fixture *f, unsigned n, int tell)
{
    enum ledger_condition condition;

    f->ledger = ledger_open(f->path, &condition, NULL);
    if (f->ledger == NULL)
        _exit(1);
    for (;;) {
        if (commit_record(f->ledger, ++n) < 0 || write(tell, &n, sizeof n) != sizeof n)
            _exit(1);
    }
}

/* Kills such a process after a while; the last commit that it told of. */
static unsigned kill_committer(struct fixture *f, unsigned n, GRand *random)
{
    int pipe_fds[2], status;
    unsigned told;
    pid_t pid;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0)
        commit_for_ever(f, n, pipe_fds[1]);
    close(pipe_fds[1]);
    g_usleep((gulong)g_rand_int_range(random, 1000, 40000));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(pipe_fds[0], &told, sizeof told) == sizeof told)
        n = told;
    close(pipe_fds[0]);
    return n;
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
        n = kill_committer(f, n, random);
        fixture_open(f, LEDGER_FOUND);
        rotations = ledger_load_rotations(f->ledger);
        assert_true(rotations->len == n || rotations->len == n + 1);
        n = rotations->len;
    }
    print_message("%u commits, %d kills\n", n, KILLS);
    assert_true(n > KILLS);
    assert_records(f, n);
    g_rand_free(random);
}

static unsigned count_set_aside(struct fixture *f)
{
    g_autoptr(GDir) folder = g_dir_open(f->folder, 0, NULL);
    const char *name;
    unsigned n = 0;

    while ((name = g_dir_read_name(folder)) != NULL)
        n += g_pattern_match_simple("ledger.db.damaged-????????T??????Z*", name) &&
             !g_str_has_suffix(name, "-wal");
    return n;
}

static void damage(struct fixture *f, long offset, const void *bytes, size_t n)
{
    FILE *file = fopen(f->path, "r+e");

    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void fill(struct fixture *f)
{
    put_crm(f);
    for (unsigned n = 1; n <= 20; n++)
        assert_int_equal(commit_record(f->ledger, n), 0);
}

static void test_set_aside(void **state)
{
    struct fixture *f = *state;
    char zeros[8192] = {0};

    fill(f);
    fixture_close(f);
    damage(f, 8192, zeros, sizeof zeros);
    fixture_open(f, LEDGER_REPLACED);
    assert_int_equal(count_set_aside(f), 1);
    assert_records(f, 0);
    fill(f);
    fixture_reopen(f);
    assert_records(f, 20);
    fixture_close(f);
    damage(f, 0, "no database at all", 18);
    fixture_open(f, LEDGER_REPLACED);
    assert_int_equal(count_set_aside(f), 2);
    fixture_close(f);
    assert_int_equal(truncate(f->path, 5000), 0);
    fixture_open(f, LEDGER_REPLACED);
    assert_int_equal(count_set_aside(f), 3);
}

/* A log that belongs to a damaged file goes with it. */
static void test_set_aside_with_log(void **state)
{
    struct fixture *f = *state;
    g_autofree char *log = g_strconcat(f->path, "-wal", NULL);
    GRand *random = g_rand_new_with_seed(1);
    char zeros[40000] = {0};
    struct stat st;

    fill(f);
    fixture_close(f);
    kill_committer(f, 20, random);
    assert_int_equal(stat(log, &st), 0);
    damage(f, 4096, zeros, sizeof zeros); /* page 1 and others are in the log, too */
    fixture_open(f, LEDGER_REPLACED);
    assert_records(f, 0);
    g_rand_free(random);
}

static void ignore_event(const struct ledger_event *event, void *userdata)
{
}

static void read_all(struct fixture *f)
{
    g_autoptr(GPtrArray) integrations = ledger_load_integrations(f->ledger);
    g_autoptr(GPtrArray) keys = ledger_load_keys(f->ledger);
    g_autoptr(GPtrArray) rotations = ledger_load_rotations(f->ledger);
    g_autoptr(GPtrArray) holders = ledger_load_holders(f->ledger, "crm");

    ledger_read_history(f->ledger, "", 0, ignore_event, NULL);
}

/* Wherever the damage is: it opens, sound or anew, or says why not; and reading it is safe. */
static void test_damaged_anywhere(void **state)
{
    struct fixture *f = *state;
    GRand *random = g_rand_new_with_seed(42);
    g_autofree char *sound = NULL;
    size_t size;
    unsigned replaced = 0;

    fill(f);
    fixture_close(f);
    assert_true(g_file_get_contents(f->path, &sound, &size, NULL));
    for (int i = 0; i < 60; i++) {
        enum ledger_condition condition;
        g_autoptr(GError) error = NULL;
        guint32 bytes[50];

        for (size_t j = 0; j < G_N_ELEMENTS(bytes); j++)
            bytes[j] = g_rand_int(random);
        assert_true(g_file_set_contents(f->path, sound, (gssize)size, NULL));
        damage(f, g_rand_int_range(random, 0, (gint32)(size - sizeof bytes)), bytes, sizeof bytes);
        f->ledger = ledger_open(f->path, &condition, &error);
        if (f->ledger == NULL) {
            assert_non_null(error);
            continue;
        }
        replaced += condition == LEDGER_REPLACED;
        read_all(f);
        fixture_close(f);
    }
    assert_int_equal(count_set_aside(f), replaced);
    assert_true(replaced > 5);
    g_rand_free(random);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_full),
        TEST(test_failing),
        TEST(test_killed),
        TEST(test_set_aside),
        TEST(test_set_aside_with_log),
        TEST(test_damaged_anywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
