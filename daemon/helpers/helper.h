/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a helper process: its arguments, what it gives up, and its one connection. Knows no helper. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/helpers/confine.h"

struct helper {
    const char *name;             /* of the program */
    const char *purpose;          /* one sentence of its help */
    enum confine_sockets sockets; /* which ones it may still open */

    /* Puts the helper's object on the connection; 0 or negative errno. This process is confined by then. */
    int (*add)(sd_bus *bus, void *userdata);
};

/* Serves the socket to keyturnd that the arguments name, until keyturnd closes it. Confines this process
 * before that, so call it while there is a single thread. Tells on standard error what went wrong. Returns
 * the exit status. */
int helper_run(const struct helper *helper, int argc, char **argv, void *userdata);
