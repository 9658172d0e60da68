/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pidfd. */
#include "daemon/util/watch.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib.h>

struct process_watch {
    int fd;
};

struct process_watch *process_watch_new(pid_t pid)
{
    struct process_watch *watch;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (fd < 0)
        return NULL;
    watch = g_new(struct process_watch, 1);
    watch->fd = fd;
    return watch;
}

struct process_watch *process_watch_free(struct process_watch *watch)
{
    if (watch == NULL)
        return NULL;
    close(watch->fd);
    g_free(watch);
    return NULL;
}

bool process_watch_is_alive(const struct process_watch *watch)
{
    struct pollfd item = {.fd = watch->fd, .events = POLLIN};

    return poll(&item, 1, 0) == 0;
}
