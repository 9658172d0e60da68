/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the person at the terminal. The signals that would end or stop the process wait, blocked,
 * until the echo is back on. */
#include "client/terminal.h"

#include "client/lib/cleanup.h"
#include "daemon/util/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>

static void put(int tty, const char *text)
{
    /* The terminal is the person's only view: if it is gone, so is the answer, and the read tells. */
    if (write(tty, text, strlen(text)) < 0)
        return;
}

/* Returns 1 once there is input, 0 on a signal. */
static int wait_for_input(int tty, int signals)
{
    struct pollfd fds[] = {{.fd = tty, .events = POLLIN}, {.fd = signals, .events = POLLIN}};

    if (poll(fds, 2, -1) < 0)
        return errno == EINTR ? 0 : -errno;
    return fds[1].revents ? 0 : 1;
}

/* One line with the echo off. Returns its length, or -EINTR with a signal pending. */
static int read_line(int tty, int signals, const char *prompt, char *buffer, size_t size)
{
    struct termios before, hidden;
    ssize_t n = 0;
    int r;

    if (tcgetattr(tty, &before) < 0)
        return -errno;
    hidden = before;
    hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    hidden.c_lflag |= ICANON;
    if (tcsetattr(tty, TCSAFLUSH, &hidden) < 0)
        return -errno;
    put(tty, prompt);
    r = wait_for_input(tty, signals);
    if (r > 0) {
        n = read(tty, buffer, size);
        r = n < 0 ? -errno : 1;
    }
    tcsetattr(tty, TCSAFLUSH, &before);
    put(tty, "\n");
    if (r <= 0)
        return r < 0 ? r : -EINTR;
    if (n > 0 && buffer[n - 1] == '\n')
        n--;
    else if ((size_t)n == size)
        return -EMSGSIZE;
    buffer[n] = '\0';
    return (int)n;
}

int terminal_read_hidden(const char *prompt, char *buffer, size_t size)
{
    _cleanup_close_ int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC), signals = -1;
    sigset_t blocked, before;
    int r;

    if (tty < 0)
        return -errno;
    sigemptyset(&blocked);
    for (size_t i = 0; i < 5; i++)
        sigaddset(&blocked, (const int[]){SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}[i]);
    signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return -errno;
    do {
        sigprocmask(SIG_BLOCK, &blocked, &before);
        r = read_line(tty, signals, prompt, buffer, size);
        /* Here a pending signal takes effect. Who comes back was stopped and is continued: ask again. */
        sigprocmask(SIG_SETMASK, &before, NULL);
    } while (r == -EINTR);
    return r;
}

bool terminal_try_again(const char *failure)
{
    g_autofree char *shown = text_printable(failure, TEXT_MESSAGE_MAX);
    char answer[64];

    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return false;
    fprintf(stderr, "keyturn: %s\nTry again? [Y/n] ", shown);
    return fgets(answer, sizeof(answer), stdin) && answer[0] != 'n' && answer[0] != 'N';
}
