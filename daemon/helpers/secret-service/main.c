/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn-secret-service: lets keyturnd keep keys in the Secret Service. May touch the session bus and the
 * one socket to keyturnd that it was started with. */
#include "daemon/helpers/helper.h"
#include "daemon/helpers/secret-service/object.h"

static int add(sd_bus *bus, void *userdata)
{
    return kt_object_add(bus, userdata);
}

int main(int argc, char **argv)
{
    static const struct helper helper = {
        .name = "keyturn-secret-service",
        .purpose = "Keeps the keys of keyturnd in the Secret Service.",
        .sockets = CONFINE_UNIX,
        .add = add,
    };
    g_autoptr(KtSession) session = kt_session_new();

    return helper_run(&helper, argc, argv, session);
}
