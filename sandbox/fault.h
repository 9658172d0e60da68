/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The list of what is to go wrong. Pure. */
#pragma once

#include <stdbool.h>

#include "sandbox/json.h"

enum call {
    CALL_CREATE, /* of a key, as the next three */
    CALL_LIST,
    CALL_GET,
    CALL_DELETE,
    CALL_PROBE, /* reading data with a key that is not a management key */
    CALL_OTHER, /* all else; only "any" means it */
};

enum fault_kind {
    FAULT_LOSE_REPLY,
    FAULT_COMMIT_LATE,
    FAULT_CUT_BODY,
    FAULT_UNAUTHORIZED_FOR_A_WHILE,
    FAULT_STILL_VALID,
    FAULT_WIDEN_PERMISSIONS,
    FAULT_OTHER_PERMISSIONS,
    FAULT_WRONG_PREFIX,
    FAULT_WRONG_LAST4,
    FAULT_SAME_ID,
    FAULT_FORGET_IDEMPOTENCY,
    FAULT_NOT_FOUND,
    FAULT_WRONG_PATH,
    FAULT_RATE_LIMIT_HEADER,
    FAULT_RATE_LIMIT_BODY,
    FAULT_ERROR_401,
    FAULT_ERROR_403,
    FAULT_ERROR_422,
    FAULT_ERROR_500,
    FAULT_ERROR_502,
    FAULT_ERROR_503,
    FAULT_HTML_503,
    FAULT_HTML_200,
    FAULT_HTML_403,
    FAULT_PROXY_401,
    FAULT_CONFLICT_409,
    FAULT_REDIRECT,
    FAULT_SLOW,
    FAULT_DELAY,
    FAULT_HUGE_BODY,
    FAULT_BROKEN_JSON,
    FAULT_WRONG_TYPES,
    FAULT_MISSING_FIELDS,
    FAULT_WRONG_CLOCK,
    FAULT_NO_DATE,
    FAULT_LIST_TOTAL_CHANGES,
    FAULT_LIST_DUPLICATE,
    FAULT_LIST_DROPS_ONE,
    FAULT_ENDLESS_LIST,
    FAULT_RESET,
    FAULT_NO_LAST_USED,
};

#define FAULT_KINDS (FAULT_NO_LAST_USED + 1)

struct fault {
    enum fault_kind kind;
    bool any; /* every call that the kind can befall, or else: */
    enum call call;
    unsigned count;   /* 0: for ever */
    unsigned skip;    /* calls to spare yet */
    unsigned applied; /* how often it was */
    gint64 seconds;
    bool commit; /* what was asked for is done nonetheless */
};

const char *fault_name(enum fault_kind kind);

/* Whether the kind stands in place of the answer that was due; others only spoil it. */
bool fault_replaces(enum fault_kind kind);

/* Reads a JSON list. Returns an array of struct fault (g_array_unref), or NULL with a message (g_free). */
GArray *faults_read(json_object *list, char **ret_error);

/* As JSON, spent ones left out. The caller puts it. */
json_object *faults_show(const GArray *faults);

/* The first that is due for this call, as it is with this time counted; false: all goes well. */
bool faults_take(GArray *faults, enum call call, struct fault *ret);
