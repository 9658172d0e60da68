/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error domain. */
#include "daemon/core/errors.h"

G_DEFINE_QUARK(keyturn, kt_error)
