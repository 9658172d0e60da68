/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can go wrong for a caller: a GError whose message says what to do next. bus/errors gives each its
 * D-Bus name. */
#pragma once

#include <glib.h>

#define KT_ERROR kt_error_quark()

enum kt_error {
    KT_FAILED,              /* anything without a name of its own */
    KT_INVALID,             /* an argument or a file makes no sense */
    KT_DENIED,              /* policy says no */
    KT_NO_SUCH_INTEGRATION, /* never defined, or removed */
    KT_EXISTS,              /* it is there already */
    KT_NO_KEY,              /* the integration has no key to hand out */
    KT_KEYRING_LOCKED,      /* waits for its owner */
    KT_KEYRING_ABSENT,      /* no service, or no collection */
    KT_INVALID_KEY,         /* malformed, or refused by HueChat */
    KT_WRONG_ENVIRONMENT,   /* live where test belongs, or the reverse */
    KT_UNREACHABLE,         /* no answer, or none that fits */
    KT_REFUSED,             /* HueChat answered no */
    KT_BUSY,                /* another operation on the same thing is under way */
    KT_HELD,                /* a rotation waits for a person */
    KT_IN_USE,              /* somebody still uses the key */
    KT_NO_MANAGEMENT_KEY,   /* login first */
};

GQuark kt_error_quark(void);
