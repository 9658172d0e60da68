/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asked of the kernel that runs, not of the headers that we were built with. */
#include "daemon/util/sockets.h"

#include <errno.h>

int socket_refuse_descriptors(int fd)
{
    const int no = 0;

    return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &no, sizeof no) < 0 && errno != ENOPROTOOPT ? -errno : 0;
}
