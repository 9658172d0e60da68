/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contacts, conversations, channels, webhooks and users: a few samples, and what was posted since. Gone with
 * the process. */
#pragma once

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/route.h"

struct data;

struct data *data_new(usec_t now);
struct data *data_free(struct data *data);

/* Answers a request that may be made; the route isn't one of keys. */
struct reply *data_answer(struct data *data, enum key_type type, const struct route *route,
                          const struct request *request, usec_t now);
