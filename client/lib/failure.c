/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a failure on the bus means to a person, in one line. keyturnd's own errors say what to do; those of
 * the bus and of the transport do not, so they get their words here. */
#include "client/lib/failure.h"

#include "client/lib/keyturn.h"
#include "dbus/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How the bus tells that nobody owns the name, and that starting its owner failed. */
static const char *const absent[] = {
    "org.freedesktop.DBus.Error.ServiceUnknown",
    "org.freedesktop.DBus.Error.NameHasNoOwner",
    "org.freedesktop.DBus.Error.Spawn.",
    "org.freedesktop.systemd1.",
};

static bool is_absence(const char *name)
{
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
        if (strncmp(name, absent[i], strlen(absent[i])) == 0)
            return true;
    return false;
}

static bool is_silence(int r, const char *name)
{
    return r == -ETIMEDOUT || r == -ECONNRESET || r == -ENOTCONN ||
           strcmp(name, SD_BUS_ERROR_NO_REPLY) == 0 || strcmp(name, SD_BUS_ERROR_TIMEOUT) == 0;
}

/* The bus's policy, and not keyturnd, said no. */
static bool is_policy(const char *name, const char *message)
{
    return strcmp(name, KT_ERROR_ACCESS_DENIED) == 0 &&
           (strncmp(message, "Rejected send message", 21) == 0 || strncmp(message, "Sender is not", 13) == 0);
}

/* The one at the end, where the buffer was too short for it. */
static void drop_half_character(char *text)
{
    size_t end = strlen(text), start = end;
    unsigned char first;

    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
        start--;
    if (start == 0)
        return;
    first = (unsigned char)text[--start];
    if (end - start < (first >= 0xf0 ? 4u : first >= 0xe0 ? 3u : first >= 0xc0 ? 2u : 1u))
        text[start] = '\0';
}

__attribute__((format(printf, 3, 4))) static void fill(struct keyturn_error *error, const char *name,
                                                       const char *format, ...)
{
    va_list args;

    if (!error)
        return;
    snprintf(error->name, sizeof(error->name), "%s", name);
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    drop_half_character(error->message);
    for (char *c = error->message; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
}

int failure_local(int r, const char *message, struct keyturn_error *error)
{
    fill(error, "", "%s", message);
    return r;
}

int failure_of_call(bool system, int r, const sd_bus_error *bus_error, struct keyturn_error *error)
{
    const char *name = bus_error && bus_error->name ? bus_error->name : "";
    const char *message = bus_error && bus_error->message ? bus_error->message : strerror(-r);
    const char *user = system ? "" : "--user ";

    if (is_absence(name))
        fill(error, name, "keyturnd is not running: start it with systemctl %sstart keyturnd", user);
    else if (is_silence(r, name))
        fill(error, name, "keyturnd did not answer: see journalctl %s-u keyturnd", user);
    else if (is_policy(name, message))
        fill(error, name, "the bus does not let you do this: ask an administrator");
    else
        fill(error, name, "%s", message);
    return r;
}

int failure_open_bus(bool system, sd_bus **ret_bus, struct keyturn_error *error)
{
    sd_bus *bus = NULL;
    int r = system ? sd_bus_open_system(&bus) : sd_bus_open_user(&bus);

    if (r < 0) {
        fill(error, "",
             system ? "there is no system bus (%s): is dbus running?"
                    : "there is no session bus (%s): log in, set XDG_RUNTIME_DIR, or use --system",
             r == -ENOMEDIUM ? "no address" : strerror(-r));
        return r;
    }
    *ret_bus = bus;
    return 0;
}
