/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GetConnectionCredentials, and the few of its entries that count here. */
#include "daemon/bus/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "daemon/util/cleanup.h"

#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

int peer_ask(sd_bus *bus, sd_bus_slot **ret, const char *name, sd_bus_message_handler_t handler,
             void *userdata)
{
    return sd_bus_call_method_async(bus, ret, BUS, BUS_PATH, BUS, "GetConnectionCredentials", handler,
                                    userdata, "s", name);
}

bool peer_is_alive(int pidfd)
{
    struct pollfd item = {.fd = pidfd, .events = POLLIN};

    return pidfd >= 0 && poll(&item, 1, 0) == 0;
}

static int read_one(sd_bus_message *reply, struct peer *peer)
{
    const char *name;
    uint32_t number;
    int fd, r;

    r = sd_bus_message_read(reply, "s", &name);
    if (r < 0)
        return r;
    if (strcmp(name, "UnixUserID") == 0) {
        r = sd_bus_message_read(reply, "v", "u", &number);
        if (r >= 0)
            peer->uid = (uid_t)number;
    } else if (strcmp(name, "ProcessID") == 0) {
        r = sd_bus_message_read(reply, "v", "u", &number);
        if (r >= 0)
            peer->pid = (pid_t)number;
    } else if (strcmp(name, "ProcessFD") == 0) {
        r = sd_bus_message_read(reply, "v", "h", &fd);
        if (r >= 0)
            peer->pidfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    } else {
        r = sd_bus_message_skip(reply, "v");
    }
    return r;
}

static int error_of(sd_bus_message *reply)
{
    if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return -ENXIO;
    return sd_bus_message_is_method_error(reply, NULL) ? -EAGAIN : 0;
}

int peer_read(sd_bus_message *reply, struct peer *ret)
{
    struct peer found = {.uid = (uid_t)-1, .pidfd = -1};
    int r = error_of(reply);

    if (r >= 0)
        r = sd_bus_message_enter_container(reply, 'a', "{sv}");

    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        r = read_one(reply, &found);
        if (r >= 0)
            r = sd_bus_message_exit_container(reply);
    }
    if (r >= 0 && (found.uid == (uid_t)-1 || found.pid <= 0))
        r = -ENODATA;
    if (r < 0)
        kt_close_p(&found.pidfd);
    else
        *ret = found;
    return r;
}
