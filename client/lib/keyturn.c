/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of libkeyturn. A key lives in a socket, in one buffer on the stack, which is erased, and in the
 * buffer that the caller gets. */
#include "client/lib/keyturn.h"

#include "client/lib/channel.h"
#include "client/lib/cleanup.h"
#include "client/lib/failure.h"
#include "dbus/names.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static bool is_system(unsigned flags)
{
    return flags & KEYTURN_SYSTEM;
}

/* The process of the connection that has sent a message, as the bus knows it. */
static int find_process(sd_bus *bus, sd_bus_message *m, pid_t *ret_pid)
{
    _cleanup_creds_ sd_bus_creds *creds = NULL;
    const char *sender = sd_bus_message_get_sender(m);
    int r = sender ? sd_bus_get_name_creds(bus, sender, SD_BUS_CREDS_PID, &creds) : -EBADMSG;

    return r < 0 ? r : sd_bus_creds_get_pid(creds, ret_pid);
}

/* Lends keyturnd the other end. */
static int call_get_key(sd_bus *bus, const char *name, int lent, uint64_t *ret_generation, pid_t *ret_pid,
                        struct keyturn_error *error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r;

    r = sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "GetKeyToFd", &bus_error,
                           &reply, "sh", name, lent);
    if (r >= 0)
        r = sd_bus_message_read(reply, "t", ret_generation);
    if (r < 0)
        return failure_of_call(false, r, &bus_error, error);
    r = find_process(bus, reply, ret_pid);
    return r < 0 ? failure_local(r, "the bus does not say which process keyturnd is: try again", error) : 0;
}

static int take_key(int ours, pid_t keyturnd, char **ret_key, struct keyturn_error *error)
{
    int r = channel_take(ours, keyturnd, ret_key);

    if (r == -EKEYREJECTED)
        return failure_local(r, "another process than keyturnd sent a key: find who monitors the bus", error);
    return r < 0 ? failure_local(r, "no key came from keyturnd: see its journal", error) : 0;
}

/* Everybody on the user's bus may watch, so keyturnd gets an end of ours, and ours alone can be read. */
static int get_by_lending(sd_bus *bus, const char *name, char **ret_key, uint64_t *ret_generation,
                          struct keyturn_error *error)
{
    _cleanup_close_ int ours = -1, lent = -1;
    pid_t keyturnd;
    int r = channel_open(&ours, &lent);

    if (r < 0)
        return failure_local(r, "no socket can be made: raise the limit of open files", error);
    r = call_get_key(bus, name, lent, ret_generation, &keyturnd, error);
    kt_close_p(&lent);
    return r < 0 ? r : take_key(ours, keyturnd, ret_key, error);
}

/* Root alone may watch the system's bus, which lets no descriptor of ours in: keyturnd gives out one of its
 * own. */
static int get_by_opening(sd_bus *bus, const char *name, char **ret_key, uint64_t *ret_generation,
                          struct keyturn_error *error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    _cleanup_message_ sd_bus_message *reply = NULL;
    int read_end, r;

    r = sd_bus_call_method(bus, KT_BUS_NAME, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "OpenKey", &bus_error,
                           &reply, "s", name);
    if (r >= 0)
        r = sd_bus_message_read(reply, "ht", &read_end, ret_generation);
    if (r < 0)
        return failure_of_call(true, r, &bus_error, error);
    r = channel_read(read_end, ret_key);
    return r < 0 ? failure_local(r, "no key came from keyturnd: see its journal", error) : 0;
}

EXPORT int keyturn_get_key(const char *name, unsigned flags, char **ret_key, uint64_t *ret_generation,
                           struct keyturn_error *error)
{
    _cleanup_bus_ sd_bus *bus = NULL;
    uint64_t generation;
    char *key = NULL;
    int r;

    r = failure_open_bus(is_system(flags), &bus, error);
    if (r < 0)
        return r;
    r = is_system(flags) ? get_by_opening(bus, name, &key, &generation, error)
                         : get_by_lending(bus, name, &key, &generation, error);
    if (r < 0)
        return r;
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
