/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records that are numbered, so that a test sees which are there, and a process that writes them until it is
 * killed. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/ledger-fixture.h"

/* Record number n with all that a commit can carry: a key, an event. */
static inline int commit_record(struct ledger *ledger, unsigned n)
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
static inline void assert_records(struct fixture *f, unsigned n)
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

static inline void put_crm(struct fixture *f)
{
    assert_int_equal(ledger_put_integration(f->ledger, "crm", ENVIRONMENT_TEST), 0);
}

/* Commits for ever, and tells each commit once it is one. */
static inline void commit_for_ever(struct fixture *f, unsigned n, int tell)
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

/* Kills such a process at whichever moment, or at one after its first commit; the last one that it told of.
 */
static inline unsigned kill_committer(struct fixture *f, unsigned n, bool has_begun, GRand *random)
{
    int pipe_fds[2], status;
    unsigned told;
    pid_t pid;

    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid = fork();
    if (pid == 0)
        commit_for_ever(f, n, pipe_fds[1]);
    close(pipe_fds[1]);
    if (has_begun)
        assert_int_equal(read(pipe_fds[0], &n, sizeof n), sizeof n);
    g_usleep((gulong)g_rand_int_range(random, 0, 30000));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(pipe_fds[0], &told, sizeof told) == sizeof told)
        n = told;
    close(pipe_fds[0]);
    return n;
}
