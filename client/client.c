/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a verb fails: in one line, "what went wrong: what to do". */
#include "client/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/util/text.h"

G_DEFINE_QUARK(keyturn - client - error, client_error)

int client_fail(GError **error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error)
        *error = g_error_new_valist(CLIENT_ERROR, CLIENT_FAILED, format, args);
    va_end(args);
    return -1;
}

int client_check_environment(const char *name, GError **error)
{
    if (strcmp(name, "live") == 0 || strcmp(name, "test") == 0)
        return 0;
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "there is no environment %s: use live or test", name);
    return -1;
}

void client_report(const GError *error)
{
    g_autofree char *message = text_printable(error->message, TEXT_MESSAGE_MAX);

    fprintf(stderr, "keyturn: %s\n", message);
}
