/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys that lie open: in files, and in what git remembers of them. Keys are told by prefix and last 4. */
#pragma once

#include "client/keyscan.h"
#include "client/report.h"

#include <json-c/json.h>

struct exposure {
    struct report *report;
    json_object *integrations; /* to name a key by; NULL: none are known */
};

/* Looks through every text file of 1 MiB at most below a folder (or at one file), and through the history of
 * every git repository that is found there. What can't be read is reported too. */
void exposure_look(struct exposure *exposure, const char *path);

/* The same where units lie: their environment is open to everybody. No history. */
void exposure_look_at_units(struct exposure *exposure, const char *folder);

/* The history of the repository that the folder is in, as far as it concerns the folder. */
void exposure_look_at_history(struct exposure *exposure, const char *folder);

/* Reports a key; where is "FILE:LINE" or the like, what says how it is open, and first what to do before the
 * key is replaced: "take it out, then ", or nothing. */
void exposure_add(struct exposure *exposure, const struct keyscan_match *match, const char *where,
                  const char *what, const char *first);
