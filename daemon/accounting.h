/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes who fetched what, after the reply: a new (holder, generation) pair in a transaction of its own at
 * once, repeated fetches, and new pairs where many come one after the other, gathered for a second at most.
 */
#pragma once

#include "daemon/daemon.h"

struct accounting;

struct accounting *accounting_new(struct daemon *daemon);

/* Writes what is still gathered. */
struct accounting *accounting_free(struct accounting *accounting);

/* The holder has fetched the current key just now (generation and last_at are set here). Nothing is written
 * before the event loop is reached again: call it after the reply was sent. caller is for people: "user
 * alice, crm.service". */
void accounting_fetched(struct accounting *accounting, struct entry *entry, const struct holder *holder,
                        const char *caller);

/* An integration is about to be forgotten: what is gathered for it is dropped. */
void accounting_forget(struct accounting *accounting, const char *integration);
