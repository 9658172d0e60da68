/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of names. */
#include "daemon/bus/errors.h"

#include "daemon/core/errors.h"
#include "daemon/util/cleanup.h"
#include "daemon/util/text.h"
#include "dbus/names.h"

static const char *name_of(const GError *error)
{
    if (error->domain != KT_ERROR)
        return KT_ERROR_FAILED;
    switch ((enum kt_error)error->code) {
    case KT_FAILED:
        return KT_ERROR_FAILED;
    case KT_INVALID:
        return KT_ERROR_INVALID_ARGS;
    case KT_DENIED:
        return KT_ERROR_ACCESS_DENIED;
    case KT_NO_SUCH_INTEGRATION:
        return KT_ERROR_NO_SUCH_INTEGRATION;
    case KT_EXISTS:
        return KT_ERROR_EXISTS;
    case KT_NO_KEY:
        return KT_ERROR_NO_KEY;
    case KT_KEYRING_LOCKED:
        return KT_ERROR_KEYRING_LOCKED;
    case KT_KEYRING_ABSENT:
        return KT_ERROR_KEYRING_ABSENT;
    case KT_INVALID_KEY:
        return KT_ERROR_INVALID_KEY;
    case KT_WRONG_ENVIRONMENT:
        return KT_ERROR_WRONG_ENVIRONMENT;
    case KT_UNREACHABLE:
        return KT_ERROR_UNREACHABLE;
    case KT_REFUSED:
        return KT_ERROR_REFUSED;
    case KT_BUSY:
        return KT_ERROR_BUSY;
    case KT_HELD:
        return KT_ERROR_HELD;
    case KT_IN_USE:
        return KT_ERROR_IN_USE;
    case KT_NO_MANAGEMENT_KEY:
        return KT_ERROR_NO_MANAGEMENT_KEY;
    }
    return KT_ERROR_FAILED;
}

int bus_error_set(sd_bus_error *ret_error, const GError *error)
{
    g_autofree char *message = text_printable(error->message, TEXT_MESSAGE_MAX);

    return sd_bus_error_set(ret_error, name_of(error), message);
}

void bus_reply_error(sd_bus_message *call, const GError *error)
{
    _cleanup_bus_error_ sd_bus_error reply = SD_BUS_ERROR_NULL;

    bus_error_set(&reply, error);
    sd_bus_reply_method_error(call, &reply);
}

void bus_reply_busy(sd_bus_message *call, const char *why)
{
    g_autoptr(GError) error = g_error_new_literal(KT_ERROR, KT_BUSY, why);

    bus_reply_error(call, error);
}

void bus_reply_garbled(sd_bus_message *call)
{
    g_autoptr(GError) error =
        g_error_new(KT_ERROR, KT_INVALID, "the arguments can't be read: see org.keyturn1(5)");

    bus_reply_error(call, error);
}

void bus_reply_too_long(sd_bus_message *call)
{
    g_autoptr(GError) error = g_error_new(
        KT_ERROR, KT_INVALID, "the arguments are longer than any that make sense: see org.keyturn1(5)");

    bus_reply_error(call, error);
}
