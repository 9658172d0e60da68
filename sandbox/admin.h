/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* /sandbox/…: the dashboard, the clock, the faults and the ledger, for who runs the sandbox. No key is
 * needed. */
#pragma once

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

/* Answers a request below /sandbox/; NULL: it is for HueChat. */
struct reply *admin_answer(struct sandbox *sandbox, const struct request *request);
