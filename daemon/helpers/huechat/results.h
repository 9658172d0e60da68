/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers and keys, as org.keyturn1.Provider puts them into messages. All return 0 or negative errno. */
#pragma once

#include <systemd/sd-bus.h>

#include "daemon/helpers/huechat/answer.h"
#include "daemon/helpers/huechat/contract.h"

/* An a{sv}. */
int results_append_answer(sd_bus_message *m, const struct answer *answer);

/* An a{sv}; an empty one, if the key has no id. */
int results_append_key(sd_bus_message *m, const struct key *key);

/* An aa{sv}, of struct key; NULL: an empty one. */
int results_append_keys(sd_bus_message *m, const GPtrArray *keys);
