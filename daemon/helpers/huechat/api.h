/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the vendor's API is and how it is spoken to, as keyturnd tells with every call; and its URLs. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/util/clock.h"

/* Texts are borrowed from the message that they were read of. */
struct api {
    const char *base_url;
    const char *key_header;
    const char *keys_path;
    const char *probe_path;
    const char *ca_file; /* empty: the system's */
    const char *proxy;   /* empty: none */
    usec_t timeout;
};

/* Reads an a{sv}. 0, or negative errno with InvalidArgs in *ret_error. */
int api_read(sd_bus_message *m, struct api *ret, sd_bus_error *ret_error);

/* URLs; the caller frees them (g_free). An id is encoded and stays one segment of the path. */
char *api_keys_url(const struct api *api);
char *api_page_url(const struct api *api, unsigned limit, unsigned offset);
char *api_key_url(const struct api *api, const char *id);
char *api_probe_url(const struct api *api);
