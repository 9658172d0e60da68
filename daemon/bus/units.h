/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which service a process belongs to, as systemd tells it: in system mode other users' processes are hidden
 * from us in /proc. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

enum unit_answer {
    UNIT_FOUND,
    UNIT_NONE,    /* it is in no service */
    UNIT_UNKNOWN, /* that can't be told now */
};

struct unit {
    enum unit_answer answer;
    const char *name; /* where it was found, else NULL */
    uid_t uid;        /* that it runs as; (uid_t)-1: not told, as of one that runs as root */
};

typedef void (*unit_fn)(const struct unit *unit, void *userdata);

struct units;
struct unit_question;

/* A connection to the system's bus, for these questions alone: how many are open on one is limited, and no
 * caller may use up the others'. Negative errno. */
int units_new(sd_event *event, struct units **ret);
struct units *units_free(struct units *units);

/* Asks about a process of this uid. fn is called once, never from inside, after 20 s at the latest; the unit
 * is valid during the call, the question is over by then. pidfd has to stay until then; exact: it came from
 * the bus, so it is the process's for certain. NULL: it can't be asked. */
struct unit_question *unit_ask(struct units *units, uid_t uid, pid_t pid, int pidfd, bool exact, unit_fn fn,
                               void *userdata);

/* Nobody waits for the answer any more. */
struct unit_question *unit_question_free(struct unit_question *question);
