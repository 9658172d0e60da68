/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells who was refused, in the journal and the history, after the reply: the first of its kind within a
 * minute (uid, unit, integration, rule) at once and as a whole, the others as a count when that minute is
 * over. Whoever floods keyturnd costs it no disk, and hides nothing else. */
#pragma once

#include "daemon/daemon.h"

struct refusals;

struct refusal {
    uid_t uid;               /* (uid_t)-1 where it is not known */
    const char *integration; /* "" for the daemon as a whole */
    const char *rule;        /* what decided: few texts, that say nothing of the evidence */
    const char *message;     /* as a whole, with the evidence */
    const char *caller;      /* for people; NULL: not known */
    const char *unit;        /* that the caller is in, believed or not; or NULL */
};

struct refusals *refusals_new(struct daemon *daemon);

/* Tells what it still has. */
struct refusals *refusals_free(struct refusals *refusals);

/* Takes the texts over. Nothing is written before the event loop is reached again. */
void refusals_note(struct refusals *refusals, const struct refusal *refusal);
