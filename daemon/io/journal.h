/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Log lines with fields: to the journal where standard error is one, else to standard error. Knows no domain
 * type. */
#pragma once

#include <glib.h>
#include <syslog.h>

/* One line of the log. fields: "KEYTURN_INTEGRATION", value, ..., NULL; a NULL or empty value is left out.
 * message_id: 32 hex digits of an entry of the catalogue, or NULL. */
void journal_send(int priority, const char *message_id, const char *const *fields, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
