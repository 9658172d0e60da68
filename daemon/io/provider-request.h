/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call to a provider, from its arguments to its result. Knows neither queue nor connection. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/core/listing.h"
#include "daemon/io/provider.h"

enum request_kind {
    REQUEST_CREATE,
    REQUEST_LIST,
    REQUEST_GET,
    REQUEST_DELETE,
    REQUEST_PROBE,
};

struct provider_request {
    enum request_kind kind;
    enum provider_priority priority;
    struct secret *key;            /* the management key, or the one that is probed; NULL: no memory for it */
    char *id;                      /* get, delete */
    struct provider_create create; /* owns its texts */
    provider_sending_fn sending;
    provider_done_fn done; /* NULL: called already */
    void *userdata;
    struct provider_result result;
    struct listing *listing;
};

/* For provider_done_fn and userdata see provider.h. The caller fills in what is special to its kind. */
struct provider_request *provider_request_new(enum request_kind kind, enum provider_priority priority,
                                              const struct secret *key, provider_done_fn done,
                                              void *userdata);
struct provider_request *provider_request_free(struct provider_request *request);

/* The method's name. */
const char *provider_request_member(const struct provider_request *request);

/* The method's arguments. 0 or negative errno. */
int provider_request_append(const struct provider_request *request, const struct api_settings *settings,
                            sd_bus_message *m);

/* Takes in a reply. Returns true if the next page of a list has to be asked for. */
bool provider_request_read(struct provider_request *request, sd_bus_message *reply);

/* There is no reply: the result says why. */
void provider_request_fail(struct provider_request *request, bool sent, const char *message);

/* Calls done, if it has not been called yet. */
void provider_request_finish(struct provider_request *request);
