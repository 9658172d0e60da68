/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of libkeyturn. A key lives in a pipe, in one buffer on the stack, which is erased, and in the
 * buffer that the caller gets. */
#include "client/lib/keyturn.h"

#include "client/lib/cleanup.h"
#include "client/lib/failure.h"
#include "dbus/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))
#define KEY_MAX 4096

static bool is_system(unsigned flags)
{
    return flags & KEYTURN_SYSTEM;
}

/* One read, since a pipe that somebody else still holds open has no end. */
static int read_key(int fd, char **ret_key)
{
    char buffer[KEY_MAX];
    ssize_t n;
    int r = 0;

    do
        n = read(fd, buffer, sizeof(buffer));
    while (n < 0 && errno == EINTR);
    if (n <= 0 || memchr(buffer, '\0', (size_t)n))
        r = n < 0 ? -errno : -EBADMSG;
    else if (!(*ret_key = strndup(buffer, (size_t)n)))
        r = -ENOMEM;
    explicit_bzero(buffer, sizeof(buffer));
    return r;
}

/* Lends keyturnd the write end and keeps none, the message's copy included. */
static int call_get_key(sd_bus *bus, bool system, const char *name, int write_end, uint64_t *ret_generation,
                        struct keyturn_error *error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r;

    r = sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "GetKeyToFd", &bus_error,
                           &reply, "sh", name, write_end);
    if (r >= 0)
        r = sd_bus_message_read(reply, "t", ret_generation);
    return r < 0 ? failure_of_call(system, r, &bus_error, error) : 0;
}

EXPORT int keyturn_get_key(const char *name, unsigned flags, char **ret_key, uint64_t *ret_generation,
                           struct keyturn_error *error)
{
    _cleanup_bus_ sd_bus *bus = NULL;
    _cleanup_close_ int read_end = -1, write_end = -1;
    uint64_t generation;
    char *key = NULL;
    int r, ends[2];

    r = failure_open_bus(is_system(flags), &bus, error);
    if (r < 0)
        return r;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return failure_local(-errno, "no pipe can be made: raise the limit of open files", error);
    read_end = ends[0];
    write_end = ends[1];
    r = call_get_key(bus, is_system(flags), name, write_end, &generation, error);
    if (r < 0)
        return r;
    r = read_key(read_end, &key);
    if (r < 0)
        return failure_local(r, "no key came through the pipe: see the journal of keyturnd", error);
    *ret_key = key;
    if (ret_generation)
        *ret_generation = generation;
    return 0;
}

EXPORT char *keyturn_key_free(char *key)
{
    if (key)
        explicit_bzero(key, strlen(key));
    free(key);
    return NULL;
}

static int tell(const char *method, const char *name, unsigned flags, uint64_t generation,
                struct keyturn_error *error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    _cleanup_bus_ sd_bus *bus = NULL;
    int r;

    r = failure_open_bus(is_system(flags), &bus, error);
    if (r < 0)
        return r;
    r = sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, method, &bus_error, NULL,
                           "st", name, generation);
    return r < 0 ? failure_of_call(is_system(flags), r, &bus_error, error) : 0;
}

EXPORT int keyturn_acknowledge(const char *name, unsigned flags, uint64_t generation,
                               struct keyturn_error *error)
{
    return tell("Acknowledge", name, flags, generation, error);
}

EXPORT int keyturn_report_rejected(const char *name, unsigned flags, uint64_t generation,
                                   struct keyturn_error *error)
{
    return tell("ReportRejected", name, flags, generation, error);
}
