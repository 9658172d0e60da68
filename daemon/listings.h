/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One listing of HueChat's keys for all rotations that wait for one: each sees a list that was asked for
 * after it asked, and a fleet that rotates together does not list the account once a rotation. */
#pragma once

#include "daemon/daemon.h"

struct listings;

struct listings *listings_new(struct daemon *daemon);

/* fn is called exactly once, from the event loop; without a management key by then the answer is one that was
 * not sent. */
void listings_ask(struct listings *listings, enum environment environment, enum provider_priority priority,
                  provider_done_fn fn, void *userdata);

/* Whether the last whole list showed that id. */
bool listings_showed(const struct listings *listings, enum environment environment, const char *id);

/* Asks for no more: the providers are about to go, and answer what is open. */
void listings_close(struct listings *listings);
struct listings *listings_free(struct listings *listings);
