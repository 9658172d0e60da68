/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keyring's state as the bus of the Secret Service tells it: the owner of org.freedesktop.secrets, its
 * default collection and whether that is locked. Never starts the service, and never waits for it. */
#pragma once

#include <systemd/sd-event.h>

#include "daemon/io/keyring.h"

struct keyring_watch;

/* On a connection of its own to $DBUS_SESSION_BUS_ADDRESS, or else to the user's bus; connects again when
 * that bus restarts. A service that only waits to be started counts as unlocked: the first load starts it,
 * and nothing else can tell more. state_fn is called after every change, from the event loop. NULL: no
 * memory. */
struct keyring_watch *keyring_watch_new(sd_event *event, keyring_state_fn state_fn, void *userdata);
struct keyring_watch *keyring_watch_free(struct keyring_watch *watch);

enum keyring_state keyring_watch_state(const struct keyring_watch *watch);
bool keyring_watch_knows(const struct keyring_watch *watch);

/* A call just found it in this state. If that is news it is told as any other; where it is not unlocked, the
 * service is asked again in a while (1 s at first, 30 s at last), since no signal may come. */
void keyring_watch_found(struct keyring_watch *watch, enum keyring_state state);
