/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* keyturn-huechat: lets keyturnd manage keys at HueChat. May touch the Internet and the one socket to
 * keyturnd that it was started with; nothing in its environment counts. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/helpers/helper.h"
#include "daemon/helpers/huechat/http.h"
#include "daemon/helpers/huechat/object.h"

int main(int argc, char **argv)
{
    static const struct helper helper = {
        .name = "keyturn-huechat",
        .purpose = "Manages keys at HueChat for keyturnd.",
        .sockets = CONFINE_INET,
        .add = object_add,
    };

    /* Proxies, key logs, resolver options: all of them could lead a key astray. */
    if (clearenv() != 0 || http_init() < 0) {
        fputs("keyturn-huechat: libcurl can't be used here\n", stderr);
        return EXIT_FAILURE;
    }
    return helper_run(&helper, argc, argv, NULL);
}
