/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that fetch a key for the first time are a line of the history each. A program's name is its own
 * word, and processes are cheap: so many a minute of each integration, the others as a count. */
#pragma once

#include "daemon/daemon.h"

#define NEWCOMERS_TOLD 20 /* of an integration, in a minute */

struct newcomers;

struct newcomers *newcomers_new(struct daemon *daemon);

/* Tells what it has counted. */
struct newcomers *newcomers_free(struct newcomers *newcomers);

/* One more. True: it is to be told. False: it has been counted. */
bool newcomers_add(struct newcomers *newcomers, const char *integration);
