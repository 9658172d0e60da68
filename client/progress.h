/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rotations under way, followed to their ends. */
#pragma once

#include "client/client.h"

struct progress;

/* Subscribes to signals before the first rotation starts. Returns 0, or -1 with error set. */
int progress_new(struct client *client, struct progress **ret_progress, GError **error);
struct progress *progress_free(struct progress *progress);

/* Notes an integration's key before its rotation starts. Returns 0, or -1 with error set. */
int progress_add(struct progress *progress, const char *name, GError **error);

/* Its rotation did not start after all. */
void progress_drop(struct progress *progress, const char *name);

/* Prints each step until all have ended. Returns how many did not get another key, after telling why. */
unsigned progress_wait(struct progress *progress);

static inline void progress_free_p(struct progress **progress)
{
    *progress = progress_free(*progress);
}

#define _cleanup_progress_ __attribute__((cleanup(progress_free_p)))
