/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The credentials socket: LoadCredential=crm:.../credentials.sock gives a service its key without a line of
 * code. */
#pragma once

#include "daemon/daemon.h"

struct credentials;

/* Serves the socket that systemd passed (keyturnd.socket), or in user mode one of its own at
 * RUNTIME/credentials.sock; in system mode without a passed one, none. Negative errno. */
int credentials_new(struct daemon *daemon, struct credentials **ret);

/* Services that still wait are refused. */
struct credentials *credentials_free(struct credentials *credentials);
