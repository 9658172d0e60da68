/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands in messages of org.keyturn1.Provider. Knows no connection. What the helper says is checked: it
 * has read it off the network. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/core/answer.h"
#include "daemon/core/config.h"

/* The argument "api". 0 or negative errno. */
int provider_append_api(sd_bus_message *m, const struct api_settings *settings);

/* The argument "answer", all fields of it; the caller clears it (answer_clear). Negative errno: a field is
 * missing or of another type. */
int provider_read_answer(sd_bus_message *m, struct answer *ret);

/* A key with at least id, name, type, access and the last 4; the caller clears it (remote_key_clear).
 * -ENODATA: an empty one; other negative errno: it makes no sense. */
int provider_read_key(sd_bus_message *m, struct remote_key *ret);

/* The array of keys of a page: a new array of struct remote_key that clears its elements. 0 or negative
 * errno.
 */
int provider_read_keys(sd_bus_message *m, GArray **ret);
