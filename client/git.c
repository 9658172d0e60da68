/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child that is not trusted with our time: it ends with us, and when it neither says nor computes anything.
 */
#include "client/git.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#define MEMORY_MAX ((rlim_t)1024 * 1024 * 1024) /* what it makes itself; packs are files */
#define CPU_MAX 900                             /* seconds */
#define IDLE_MAX 10                             /* seconds */

static const char *const arguments[] = {"--no-pager",
                                        "-c",
                                        "core.fsmonitor=false",
                                        "-c",
                                        "core.quotePath=false",
                                        "-c",
                                        "diff.noprefix=false",
                                        "-c",
                                        "diff.mnemonicPrefix=false",
                                        "log",
                                        "--all",
                                        "-p",
                                        "-U0",
                                        "--no-color",
                                        "--no-textconv",
                                        "--no-ext-diff",
                                        "--no-show-signature",
                                        "--ignore-submodules=all",
                                        "--submodule=short",
                                        "--no-renames",
                                        "--no-mailmap",
                                        "-O/dev/null",
                                        "--src-prefix=a/",
                                        "--dst-prefix=b/",
                                        "--relative",
                                        "--format=%x01%h of %cs",
                                        "-Gsk_(live|test)_",
                                        "--",
                                        ".",
                                        NULL};

/* git fetches what a repository lacks, by programs which the repository names: it is told not to, and (as
 * older ones know no such order) that no protocol is allowed. All else that the caller's environment tells
 * git is left out: it may name another repository. The array is the caller's, not its texts. */
static char **environment_new(void)
{
    GPtrArray *variables = g_ptr_array_new();

    for (char **p = environ; *p; p++)
        if (!g_str_has_prefix(*p, "GIT_"))
            g_ptr_array_add(variables, *p);
    g_ptr_array_add(variables, (char *)"GIT_NO_LAZY_FETCH=1");
    g_ptr_array_add(variables, (char *)"GIT_ALLOW_PROTOCOL=none");
    g_ptr_array_add(variables, NULL);
    return (char **)g_ptr_array_free(variables, FALSE);
}

/* Between fork and exec, so calls of the kernel alone. Returns if git can't be run. */
static void become_git(const char *const *argv, char **variables, int output, pid_t parent)
{
    const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX}, cpu = {CPU_MAX, CPU_MAX};
    int null = open("/dev/null", O_RDWR);

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || setrlimit(RLIMIT_DATA, &memory) < 0 ||
        setrlimit(RLIMIT_CPU, &cpu) < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0)
        return;
    execvpe("git", (char *const *)argv, variables);
}

/* Of the process, in the kernel's ticks; 0 if it is not known. */
static unsigned long long find_cpu(pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid), *text = NULL;
    unsigned long long user = 0, kernel = 0;
    const char *at;

    if (!g_file_get_contents(path, &text, NULL, NULL))
        return 0;
    at = strrchr(text, ')');
    if (!at || sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
        return 0;
    return user + kernel;
}

/* A repository's settings may name what can be read for ever, or never. */
static bool wait_for_output(struct git *git)
{
    struct pollfd output = {.fd = git->output, .events = POLLIN};
    unsigned long long cpu = find_cpu(git->pid);

    for (unsigned idle = 0; idle < IDLE_MAX; idle++) {
        unsigned long long now;

        if (poll(&output, 1, 1000) > 0)
            return true;
        now = find_cpu(git->pid);
        if (now != cpu)
            idle = 0;
        cpu = now;
    }
    git->hangs = true;
    kill(git->pid, SIGKILL);
    return false;
}

static ssize_t read_output(void *cookie, char *buffer, size_t size)
{
    struct git *git = cookie;
    ssize_t n;

    if (!wait_for_output(git))
        return 0;
    do
        n = read(git->output, buffer, size);
    while (n < 0 && errno == EINTR);
    return n;
}

static int close_output(void *cookie)
{
    return close(((struct git *)cookie)->output);
}

int git_start(const char *folder, struct git *git)
{
    const char *argv[G_N_ELEMENTS(arguments) + 3] = {"git", "-C", folder};
    g_autofree char **variables = environment_new();
    pid_t parent = getpid();
    int ends[2];

    memcpy(argv + 3, arguments, sizeof(arguments));
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    *git = (struct git){.output = ends[0], .pid = fork()};
    if (git->pid == 0) {
        become_git(argv, variables, ends[1], parent);
        _exit(127);
    }
    close(ends[1]);
    if (git->pid > 0)
        git->stream =
            fopencookie(git, "r", (cookie_io_functions_t){.read = read_output, .close = close_output});
    if (git->stream)
        return 0;
    close(ends[0]);
    if (git->pid > 0)
        kill(git->pid, SIGKILL);
    return -ENOMEM;
}

const char *git_end(struct git *git)
{
    int status = 0;

    fclose(git->stream);
    while (waitpid(git->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (git->hangs)
        return "git hangs";
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return "git can't be run";
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return "git takes too long";
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL : "git failed";
}
