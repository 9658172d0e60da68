/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the objects on the bus share: the connection, its callers, and calls that are answered later. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/bus/callers.h"
#include "daemon/bus/openings.h"
#include "daemon/bus/pace.h"
#include "daemon/bus/quota.h"
#include "daemon/bus/upload.h"
#include "daemon/daemon.h"

struct authority;

struct service {
    struct daemon *daemon;
    sd_bus *bus;
    struct callers *callers;
    struct authority *authority;
    struct quota *fetches; /* under way */
    struct openings *openings;
    struct intake *intake;
    struct pulse *pulse;
    bool is_mute; /* the bus takes nothing more */
    struct uploads *uploads;
    struct hooks *hooks;
    struct settling *settling;
    struct managed_objects *managed_objects;
};

/* A call that is answered later, and who made it. */
struct pending {
    struct service *service;
    sd_bus_message *call;
    char *caller; /* for people */
    char *name;   /* of the integration in question, or NULL */
};

struct pending *pending_new(struct service *service, sd_bus_message *call, const struct caller *caller,
                            const char *name);
struct pending *pending_free(struct pending *pending);
