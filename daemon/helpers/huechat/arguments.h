/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments of org.keyturn1.Provider, looked at before anything is done with them. All return 0, or negative
 * errno, with InvalidArgs in *ret_error where they make no sense. Strings are borrowed from the message. */
#pragma once

#include <systemd/sd-bus.h>

/* A key; an id, which is one segment of a path; a key for idempotency: words that can stand in a header. */
int arguments_read_key(sd_bus_message *m, const char **ret, sd_bus_error *ret_error);
int arguments_read_id(sd_bus_message *m, const char **ret, sd_bus_error *ret_error);
int arguments_read_idempotency_key(sd_bus_message *m, const char **ret, sd_bus_error *ret_error);

/* Limit and offset of a page. */
int arguments_read_page(sd_bus_message *m, unsigned *ret_limit, unsigned *ret_offset,
                        sd_bus_error *ret_error);

/* Name, type, access and permissions of a key to be made, as the body of the request; free it with g_free().
 */
int arguments_read_wish(sd_bus_message *m, char **ret, sd_bus_error *ret_error);
