/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The management of keys: create, list, get, delete. */
#pragma once

#include "sandbox/reply.h"
#include "sandbox/visit.h"

/* Answers a visit whose key may manage keys. */
struct reply *api_keys(struct visit *visit);
