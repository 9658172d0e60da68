/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn on a bus. */
#pragma once

#include "daemon/daemon.h"

struct service;

/* What the objects show and send, for struct daemon; its userdata is the service. */
const struct news *service_news(void);

/* Connects (the user's bus, or the system's) and exports all objects; nobody finds them yet. Negative errno.
 */
int service_new(struct daemon *daemon, struct service **ret);
struct service *service_free(struct service *service);

/* Takes the name: who sees it sees everything. -EEXIST: another one has it. */
int service_own_name(struct service *service);
