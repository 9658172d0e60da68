/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The HueChat API: a request, an answer, and a line in the ledger. */
#pragma once

#include "sandbox/reply.h"
#include "sandbox/request.h"
#include "sandbox/sandbox.h"

/* Answers any request that is not for the sandbox itself. */
struct reply *api_answer(struct sandbox *sandbox, const struct request *request);
