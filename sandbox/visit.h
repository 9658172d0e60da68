/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request on its way through the API: who asks for what, and what is to go wrong with it. */
#pragma once

#include "sandbox/request.h"
#include "sandbox/route.h"
#include "sandbox/sandbox.h"

struct visit {
    struct sandbox *sandbox;
    const struct request *request;
    struct route route;
    usec_t now;        /* HueChat's */
    struct key *known; /* whose secret came, even if it works no longer */
    struct key *key;   /* the same, if it works here and now */
    char *request_id;  /* for the answer */
    bool used;         /* the key was let in */
    bool faulty;       /* and then: */
    struct fault fault;
};

struct visit visit_begin(struct sandbox *sandbox, const struct request *request);
void visit_clear(struct visit *visit);

/* The fault, if it is of that kind. */
const struct fault *visit_fault(const struct visit *visit, enum fault_kind kind);

/* As what faults know it. */
enum call visit_call(const struct visit *visit);
