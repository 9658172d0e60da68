/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of D-Bus made of any bytes: whatever a helper, or keyturnd, that somebody else drives could send.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

/* What a reader looks for: so that the fuzzer need not guess names, and can be right as well as wrong. */
struct vocabulary {
    const char *const *signatures; /* of whole messages, up to NULL */
    const char *const *words; /* "Status:u": a key and the type of its value; or a mere text; up to NULL */
};

/* A sealed message that stands at its beginning; NULL if the bytes make none. The caller unrefs it. The first
 * byte chooses the signature, the rest the values; the same bytes make the same message. */
sd_bus_message *message_of_bytes(const struct vocabulary *vocabulary, const uint8_t *data, size_t size);
