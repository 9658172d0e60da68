/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By pidfd where systemd (254) and the bus have it, else by number. Touches the bus alone. */
#include "daemon/bus/unit.h"

#include <string.h>

#include <glib.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT_PREFIX "/org/freedesktop/systemd1/unit"

struct unit_question {
    sd_bus *bus;
    pid_t pid;
    unit_fn fn;
    void *userdata;
    sd_bus_slot *slot;
    char *name;
    bool pinned;
};

static int answer(struct unit_question *question, const char *name, uid_t uid)
{
    question->fn(&(struct unit){.name = name, .uid = uid, .pinned = question->pinned}, question->userdata);
    return 0;
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct unit_question *question = userdata;
    uint32_t uid;

    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "v", "u", &uid) < 0)
        return answer(question, NULL, (uid_t)-1);
    return answer(question, question->name, (uid_t)uid);
}

/* Only a service is a unit to us: a scope holds whatever was put into it. */
static int take_path(struct unit_question *question, const char *path)
{
    g_free(question->name);
    question->name = NULL;
    if (sd_bus_path_decode(path, UNIT_PREFIX, &question->name) <= 0 ||
        !g_str_has_suffix(question->name, ".service"))
        return answer(question, NULL, (uid_t)-1);
    question->slot = sd_bus_slot_unref(question->slot);
    if (sd_bus_call_method_async(question->bus, &question->slot, SYSTEMD, path,
                                 "org.freedesktop.DBus.Properties", "Get", on_uid, question, "ss",
                                 "org.freedesktop.systemd1.Service", "UID") < 0)
        return answer(question, NULL, (uid_t)-1);
    return 0;
}

static int on_unit(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct unit_question *question = userdata;
    const char *path;

    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "o", &path) < 0)
        return answer(question, NULL, (uid_t)-1);
    return take_path(question, path);
}

static int ask_by_number(struct unit_question *question)
{
    question->slot = sd_bus_slot_unref(question->slot);
    return sd_bus_call_method_async(question->bus, &question->slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                    "GetUnitByPID", on_unit, question, "u", (uint32_t)question->pid);
}

static int on_unit_of_pidfd(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct unit_question *question = userdata;

    if (!sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_METHOD)) {
        question->pinned = true;
        return on_unit(reply, question, error);
    }
    return ask_by_number(question) < 0 ? answer(question, NULL, (uid_t)-1) : 0;
}

struct unit_question *unit_ask(sd_bus *bus, pid_t pid, int pidfd, bool exact, unit_fn fn, void *userdata)
{
    struct unit_question *question = g_new0(struct unit_question, 1);
    int r;

    *question = (struct unit_question){.bus = bus, .pid = pid, .fn = fn, .userdata = userdata};
    if (exact)
        r = sd_bus_call_method_async(bus, &question->slot, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                     "GetUnitByPIDFD", on_unit_of_pidfd, question, "h", pidfd);
    else
        r = ask_by_number(question);
    return r < 0 ? unit_question_free(question) : question;
}

struct unit_question *unit_question_free(struct unit_question *question)
{
    if (question == NULL)
        return NULL;
    sd_bus_slot_unref(question->slot);
    g_free(question->name);
    g_free(question);
    return NULL;
}
