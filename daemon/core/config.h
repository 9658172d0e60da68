/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn.conf: how each environment of HueChat is reached. */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "daemon/core/environment.h"
#include "daemon/util/clock.h"

struct api_settings {
    char *base_url;   /* no slash at the end; https, or http to a loopback address */
    char *header;     /* X-API-Key or Authorization */
    char *keys_path;  /* "/api-keys" */
    char *probe_path; /* "/contacts?limit=1" */
    char *ca_file;    /* "": the system's */
    char *proxy;      /* "": none */
    usec_t timeout;   /* of one request, connecting included */
    bool rotate_management_key;
};

struct config {
    struct api_settings api[ENVIRONMENT_COUNT];
    char **extra_permissions; /* [API] ExtraPermissions=: scopes that HueChat added since */
};

/* The defaults of huechat-api.md. */
struct config *config_new(void);

/* Section [API], and [API live], [API test] over it. KT_INVALID with "PATH:LINE: what is wrong: what to do".
 */
struct config *config_parse(const char *path, const char *text, GError **error);
struct config *config_free(struct config *config);
