/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn-huechat: lets keyturnd manage keys at HueChat. May touch the Internet and the one socket to
 * keyturnd that it was started with. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "daemon/helpers/helper.h"
#include "daemon/helpers/huechat/http.h"
#include "daemon/helpers/huechat/object.h"

static int add(sd_bus *bus, void *userdata)
{
    int r;

    /* TLS libraries may write to a connection that is gone. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -errno;
    /* Proxies, key logs, resolver options: all of them could lead a key astray. */
    if (clearenv() != 0)
        return -ENOMEM;
    r = http_init();
    return r < 0 ? r : object_add(bus);
}

int main(int argc, char **argv)
{
    static const struct helper helper = {
        .name = "keyturn-huechat",
        .purpose = "Manages keys at HueChat for keyturnd.",
        .sockets = CONFINE_INET,
        .add = add,
    };

    return helper_run(&helper, argc, argv, NULL);
}
