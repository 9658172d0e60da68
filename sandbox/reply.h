/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One answer: what it says, and how it goes out. */
#pragma once

#include <stdbool.h>

#include "sandbox/json.h"

enum delivery {
    DELIVER_WHOLE,   /* as it should be */
    DELIVER_HALF,    /* half of the body that was announced, then the end */
    DELIVER_SLOWLY,  /* a byte a second for slow_for, then the rest */
    DELIVER_NOTHING, /* the connection ends without an answer */
    DELIVER_RESET,   /* the same, with a TCP reset */
};

struct header {
    char *name;
    char *value;
};

struct reply {
    unsigned status;
    json_object *json; /* the body, or else: */
    char *html;        /* the body, or none */
    char *text;        /* the body's bytes: reply_render, or set by hand before it */
    GArray *headers;   /* struct header */
    enum delivery delivery;
    usec_t delay; /* before it goes out */
    usec_t slow_for;
};

/* Takes the JSON; NULL: no body. */
struct reply *reply_new(unsigned status, json_object *json);
struct reply *reply_free(struct reply *reply);

/* HueChat's documented error of this status, yet without request_id and timestamp. Takes details; NULL: {}.
 */
struct reply *reply_error(unsigned status, json_object *details, const char *message, ...)
    G_GNUC_PRINTF(3, 4);

/* A page for people, as proxies and web servers in between send it. */
struct reply *reply_html(unsigned status, const char *title);

/* No answer at all. */
struct reply *reply_none(enum delivery delivery);

/* Sets a header, in place of one of that name; format NULL takes it away. */
void reply_set_header(struct reply *reply, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* Makes the body's bytes and its Content-Type; once all is said. */
void reply_render(struct reply *reply);
