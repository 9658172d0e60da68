/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What keyturnd needs of the machine around it: memory, clock, units, files. Read only. */
#pragma once

#include "client/client.h"
#include "client/report.h"

/* Whether keys can be kept out of the swap. pid is keyturnd's. */
void machine_check_memory(struct report *report, pid_t pid);

/* Whether the kernel can close the files of keyturnd's user to its helpers. What stands in keyturnd's own way
 * to that, a filter of its unit, keyturnd says in its log. */
void machine_check_landlock(struct report *report);

/* Whether the clock is kept right, as systemd-timedated says. */
void machine_check_clock(struct report *report);

/* Whether systemd starts keyturnd and the reminder. The client's bus is open. */
void machine_check_units(struct client *client, struct report *report);

/* Whether the user's services outlast the user's sessions. */
void machine_check_linger(struct report *report);

/* Whether nobody else can change keyturn's files, or read its state. */
void machine_check_files(struct client *client, struct report *report);
