/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may still have an older key: gate 4 of rotation.md. */
#pragma once

#include "daemon/daemon.h"

/* Whether the service's invocation or the process still runs. A process that is hidden from us counts as
 * running. */
bool holder_is_alive(const struct holder *holder, bool system_mode);

/* How many living holders have an older generation than the current one. *ret_text names them, in
 * system mode only their number; it is valid until the next call. */
unsigned holders_older(struct entry *entry, bool system_mode, const char **ret_text);

/* How many living holders have any generation. */
unsigned holders_alive(struct entry *entry, bool system_mode);

/* Drops those that have ended, from memory and ledger; the second one only where they have become many. */
void holders_sweep(struct daemon *daemon, struct entry *entry);
void holders_sweep_many(struct daemon *daemon, struct entry *entry);

/* Whether it may hold the key too: it does already, or its user has not too many living ones. */
bool holders_take_one_more(struct daemon *daemon, struct entry *entry, const struct holder *holder);

/* The holder is done with generations before this one. 1: it had one; 0: it had none; -ENOENT (it holds
 * nothing), or what the ledger says. */
int holders_acknowledge(struct daemon *daemon, struct entry *entry, const struct holder *holder,
                        uint64_t generation);
