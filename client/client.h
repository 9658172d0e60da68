/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every verb is given, and how it tells its end. */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <systemd/sd-bus.h>

struct client {
    const struct verb *verb;
    gboolean system; /* --system */
    gboolean json;   /* --json */
    int argc;        /* operands, once options_parse() has taken the options out */
    char **argv;
    sd_bus *bus; /* opened by the first call */
};

/* Runs a verb; argv[0] is its name. Returns the exit status, with error set if it failed; -1 leaves the
 * status to the kind of error. */
typedef int (*verb_run)(struct client *client, int argc, char **argv, GError **error);

struct verb {
    const char *name; /* or the title of a group, if run is NULL */
    const char *arguments;
    const char *summary;
    verb_run run;
};

enum client_error {
    CLIENT_FAILED, /* ends in 1 */
    CLIENT_DENIED, /* the same, for want of permission */
    CLIENT_ABSENT, /* the same: there is no such integration */
    CLIENT_UNSURE, /* the same, but it may be done: no answer came */
    CLIENT_USAGE,  /* ends in 2 */
};

#define CLIENT_ERROR client_error_quark()
GQuark client_error_quark(void);

/* Sets error to a failure, "what went wrong: what to do". Returns -1. */
int client_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Whether it is live or test. Returns 0, or -1 with error set. */
int client_check_environment(const char *name, GError **error);

/* Tells a failure that does not end the verb. */
void client_report(const GError *error);
