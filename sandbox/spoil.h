/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What faults do to an order and to an answer. Pure. */
#pragma once

#include "sandbox/fault.h"
#include "sandbox/order.h"
#include "sandbox/reply.h"

/* The permissions that a key gets instead of those asked for; other kinds leave the order alone. */
void spoil_order(const struct fault *fault, struct order *order);

/* The answer of a fault that replaces (fault_replaces). */
struct reply *spoil_instead(const struct fault *fault);

/* Spoils a complete answer, before it is rendered. now is HueChat's time, other_id that of another key (NULL:
 * there is none). */
void spoil_reply(const struct fault *fault, struct reply *reply, usec_t now, const char *other_id);
