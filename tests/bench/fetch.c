/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fetch costs, as a ratio to Peer.Ping of the same daemon in the same run. bench-fetch.py gives it a
 * world. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "dbus/names.h"

#define CALLS 5000

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int ping(sd_bus *bus)
{
    return sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, "org.freedesktop.DBus.Peer", "Ping", NULL,
                              NULL, "");
}

static int get_key(sd_bus *bus)
{
    return sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "GetKey", NULL, NULL,
                              "s", "bench");
}

static int read_key(int fd)
{
    char key[4096];
    ssize_t n = read(fd, key, sizeof key);

    explicit_bzero(key, sizeof key);
    return n > 0 ? 0 : -EIO;
}

static int get_key_to_fd(sd_bus *bus)
{
    int ends[2], r;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    r = sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "GetKeyToFd", NULL, NULL,
                           "sh", "bench", ends[1]);
    close(ends[1]);
    if (r >= 0)
        r = read_key(ends[0]);
    close(ends[0]);
    return r;
}

static int open_key(sd_bus *bus)
{
    sd_bus_message *reply = NULL;
    int read_end, r;

    r = sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "OpenKey", NULL, &reply,
                           "s", "bench");
    if (r >= 0)
        r = sd_bus_message_read(reply, "h", &read_end);
    if (r >= 0)
        r = read_key(read_end);
    sd_bus_message_unref(reply);
    return r;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The median, in microseconds; negative errno. */
static double median(sd_bus *bus, int (*call)(sd_bus *bus))
{
    static double spans[CALLS];

    for (int i = 0; i < CALLS; i++) {
        double begun = now();
        int r = call(bus);

        if (r < 0)
            return r;
        spans[i] = now() - begun;
    }
    qsort(spans, CALLS, sizeof *spans, by_size);
    return spans[CALLS / 2];
}

int main(void)
{
    static const struct {
        const char *name;
        int (*call)(sd_bus *bus);
    } calls[] = {
        {"Peer.Ping", ping}, {"GetKey", get_key}, {"GetKeyToFd", get_key_to_fd}, {"OpenKey", open_key}};
    sd_bus *bus = NULL;
    double base = 0;
    int r = sd_bus_open_user(&bus);

    for (size_t i = 0; r >= 0 && i < sizeof calls / sizeof *calls; i++) {
        double span = median(bus, calls[i].call);

        if (span < 0) {
            r = (int)span;
            break;
        }
        if (base == 0)
            base = span;
        printf("%-10s %5.0f us, %.2f x Peer.Ping\n", calls[i].name, span, span / base);
    }
    sd_bus_flush_close_unref(bus);
    if (r < 0)
        fprintf(stderr, "bench-fetch: %s\n", strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
