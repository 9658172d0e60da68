/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The definition of one integration: what its file says. State (keys, rotations) is the ledger's. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "daemon/core/environment.h"
#include "daemon/util/clock.h"

enum managed_by {
    MANAGED_BY_API,
    MANAGED_BY_DASHBOARD,
};

struct integration {
    char *name;
    enum environment environment;
    bool full_access;
    char **permissions; /* as HueChat names them; empty with full access */
    enum managed_by managed_by;
    usec_t rotate_after; /* USEC_INFINITY: paused */
    usec_t overlap;
    usec_t max_overlap;
    bool max_overlap_given; /* else it grows with overlap */
    bool delete_if_still_used;
    char **allow;   /* rules of core/policy */
    bool pipe_only; /* no string replies on the bus */
    char **reload_units, **restart_units, **start_units;
};

/* 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit. */
bool integration_name_is_valid(const char *name);

/* With the defaults of interface.md: test, custom, api, 90d, 24h, 7d, hold, any. */
struct integration *integration_new(const char *name);
struct integration *integration_copy(const struct integration *integration);
struct integration *integration_free(struct integration *integration);

static inline void integration_free_p(struct integration **integration)
{
    *integration = integration_free(*integration);
}

#define _cleanup_integration_ __attribute__((cleanup(integration_free_p)))

/* Sets one setting of the file ("Overlap", "24h"); lists are joined by ';'. KT_INVALID: unknown, or no such
 * value; the message says what is possible. */
bool integration_set(struct integration *integration, const char *key, const char *value, GError **error);

/* The text of one setting, as integration_set() takes it. The caller frees it (g_free). */
char *integration_get(const struct integration *integration, const char *key);

/* Calls each for the settings that the file would have; lists are joined by ';'. */
void integration_each_setting(const struct integration *integration,
                              void (*each)(const char *key, const char *value, bool is_list, void *userdata),
                              void *userdata);

/* Takes the three settings of units away. Returns what they were, "ReloadUnits=a.service
 * StartUnits=b.service", or NULL: there were none. The caller frees it (g_free). */
char *integration_drop_units(struct integration *integration);

/* Whether it names units. */
bool integration_has_units(const struct integration *integration);

/* Every rule that binds several settings: custom needs permissions and they are known (the nine of HueChat
 * and extra_permissions), RotateAfter > 2 x Overlap, Overlap <= MaxOverlap, rules of Allow make sense.
 * KT_INVALID. */
bool integration_check(const struct integration *integration, char *const *extra_permissions, GError **error);

/* Reads a file's text. KT_INVALID with "PATH:LINE: what is wrong: what to do"; unknown and repeated keys are
 * errors. */
struct integration *integration_parse(const char *name, const char *path, const char *text,
                                      char *const *extra_permissions, GError **error);

/* The file for it, with a comment at the top. The caller frees it (g_free). */
char *integration_to_text(const struct integration *integration);

/* Whether the same file would be written for both. */
bool integration_equal(const struct integration *a, const struct integration *b);

/* When the rotation of a key of that age starts: one Overlap before RotateAfter, and earlier by a jitter that
 * hangs on the name (a tenth of Overlap at most). USEC_INFINITY: never. */
usec_t integration_due_at(const struct integration *integration, usec_t key_created_at);
