/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One request and its reply on a connection of libmicrohttpd's, and all ways in which a reply can go out. */
#pragma once

#include <microhttpd.h>

#include <systemd/sd-event.h>

#include "sandbox/reply.h"
#include "sandbox/request.h"

struct exchange {
    sd_event_source *kick; /* the server's timer: makes libmicrohttpd look what is to do */
    GPtrArray *waiting;    /* the server's list of exchanges that are suspended */
    struct MHD_Connection *connection;
    struct request *request;
    struct reply *reply;    /* NULL: not answered yet */
    sd_event_source *timer; /* while suspended */
    usec_t slow_until;      /* CLOCK_MONOTONIC */
    bool byte_due;          /* a slow one's */
};

struct exchange *exchange_new(sd_event_source *kick, GPtrArray *waiting, struct MHD_Connection *connection,
                              const char *target);
struct exchange *exchange_free(struct exchange *exchange);

/* Takes in the head of the request. */
void exchange_begin(struct exchange *exchange, const char *method, const char *path);

/* Takes in some of its body. */
void exchange_take(struct exchange *exchange, const char *data, size_t size);

/* Suspends the connection for a while. */
void exchange_wait(struct exchange *exchange, usec_t delay);

/* Ends that early. */
void exchange_resume(struct exchange *exchange);

/* Sends the reply, or ends the connection without: what libmicrohttpd's handler has to return. */
enum MHD_Result exchange_deliver(struct exchange *exchange);
