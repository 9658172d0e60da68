/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a request to create a key asks for. Pure. */
#pragma once

#include "sandbox/keys.h"
#include "sandbox/reply.h"

struct order {
    char *name;
    enum key_type type;
    bool full;
    char **permissions; /* empty for Full Access */
};

void order_clear(struct order *order);

/* Reads a body; NULL: it was no JSON. Returns NULL and fills *ret (order_clear), or the error to answer. */
struct reply *order_read(json_object *body, struct order *ret);
