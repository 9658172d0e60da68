/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line. */
#pragma once

#include <glib.h>

struct options {
    char *address;
    int port;
    char *port_file; /* NULL: none, as the next ones */
    char *management_key_file;
    char *ledger;
    char *faults; /* JSON */
    char *fault_file;
    char *plan;
    char *tls_cert;
    char *tls_key;
    int last_used_resolution; /* seconds */
    gboolean quiet;
    gboolean version;
    unsigned rate_limit; /* requests a minute, of the plan */
    int window;          /* or in so many seconds */
};

/* Reads the command line into *ret (options_clear). Prints what --help asks for and exits. Returns FALSE with
 * error set if it makes no sense. */
gboolean options_read(int argc, char *argv[], struct options *ret, GError **error);
void options_clear(struct options *options);
