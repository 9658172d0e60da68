/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which service a process belongs to, as systemd tells it: in system mode other users' processes are hidden
 * from us in /proc. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

/* Texts may be NULL: of no service. */
struct unit {
    const char *name;
    uid_t uid;   /* that it runs as; (uid_t)-1: not told, as of one that runs as root */
    bool pinned; /* told of the process that the pidfd is, not of a number */
};

typedef void (*unit_fn)(const struct unit *unit, void *userdata);

struct unit_question;

/* Asks on the system's bus. fn is called once, never from inside, and not after unit_question_free(); the
 * unit is valid during the call. exact: pidfd came from the bus, so it is the caller's for certain. NULL:
 * can't be asked. */
struct unit_question *unit_ask(sd_bus *bus, pid_t pid, int pidfd, bool exact, unit_fn fn, void *userdata);
struct unit_question *unit_question_free(struct unit_question *question);
