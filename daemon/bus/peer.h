/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the bus itself vouches for of who has a name: uid, process, and where it can (dbus 1.16) a pidfd. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

struct peer {
    uid_t uid;
    pid_t pid;
    int pidfd; /* -1: the bus has none */
};

/* Asks; the answer is read with peer_read(). Negative errno. */
int peer_ask(sd_bus *bus, sd_bus_slot **ret, const char *name, sd_bus_message_handler_t handler,
             void *userdata);

/* The caller closes ret->pidfd. -ENXIO: nobody has that name any more; -ENODATA: the bus does not know uid
 * and process; -EAGAIN: it can't say now; other negative errno: its answer makes no sense. */
int peer_read(sd_bus_message *reply, struct peer *ret);

/* Whether the process that the pidfd is still runs. */
bool peer_is_alive(int pidfd);
