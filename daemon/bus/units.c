/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By pidfd where systemd (254) and the bus have it, else by number. A question that nobody waits for any more
 * still counts until systemd has answered it, since the bus counts it too. Touches the bus alone. */
#include "daemon/bus/units.h"

#include <errno.h>

#include <glib.h>

#include "daemon/bus/quota.h"
#include "daemon/io/journal.h"
#include "daemon/util/clock.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT_PREFIX "/org/freedesktop/systemd1/unit"
#define NO_UNIT "org.freedesktop.systemd1.NoUnitForPID"

/* The bus lets 128 be open on a connection. */
#define OPEN_EACH 8
#define OPEN_ALL 96
#define PATIENCE (20 * USEC_PER_SEC)

struct units {
    sd_event *event;
    sd_bus *bus;
    struct quota *open;
    GQueue waiting, asked; /* struct unit_question */
};

struct unit_question {
    struct units *units;
    GList link;
    GQueue *queue; /* that it is in */
    uid_t uid;
    pid_t pid;
    int pidfd;
    bool exact;
    unit_fn fn; /* NULL: nobody waits for the answer */
    void *userdata;
    sd_bus_slot *slot;
    sd_event_source *patience;
    char *name;
};

static void enqueue(struct unit_question *question, GQueue *queue)
{
    if (question->queue != NULL)
        g_queue_unlink(question->queue, &question->link);
    question->queue = queue;
    if (queue != NULL)
        g_queue_push_tail_link(queue, &question->link);
}

static void destroy(struct unit_question *question)
{
    enqueue(question, NULL);
    sd_bus_slot_unref(question->slot);
    sd_event_source_disable_unref(question->patience);
    g_free(question->name);
    g_free(question);
}

static void answer(struct unit_question *question, enum unit_answer answer, uid_t uid)
{
    unit_fn fn = question->fn;

    question->fn = NULL;
    sd_event_source_set_enabled(question->patience, SD_EVENT_OFF);
    if (fn != NULL)
        fn(&(struct unit){answer, answer == UNIT_FOUND ? question->name : NULL, uid}, question->userdata);
}

static void ask_next(struct units *units);

/* systemd has said all it will, and the next one may be asked. */
static int finish(struct unit_question *question, enum unit_answer result, uid_t uid)
{
    struct units *units = question->units;

    quota_give_back(units->open, question->uid);
    answer(question, result, uid);
    destroy(question);
    ask_next(units);
    return 0;
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct unit_question *question = userdata;
    uint32_t uid;

    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "v", "u", &uid) < 0)
        return finish(question, UNIT_UNKNOWN, (uid_t)-1);
    return finish(question, UNIT_FOUND, (uid_t)uid);
}

/* Only a service is a unit to us: a scope holds whatever was put into it. */
static int take_path(struct unit_question *question, const char *path)
{
    g_free(question->name);
    question->name = NULL;
    if (sd_bus_path_decode(path, UNIT_PREFIX, &question->name) <= 0)
        return finish(question, UNIT_UNKNOWN, (uid_t)-1);
    if (!g_str_has_suffix(question->name, ".service"))
        return finish(question, UNIT_NONE, (uid_t)-1);
    question->slot = sd_bus_slot_unref(question->slot);
    if (sd_bus_call_method_async(question->units->bus, &question->slot, SYSTEMD, path,
                                 "org.freedesktop.DBus.Properties", "Get", on_uid, question, "ss",
                                 "org.freedesktop.systemd1.Service", "UID") < 0)
        return finish(question, UNIT_UNKNOWN, (uid_t)-1);
    return 0;
}

static int on_unit(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct unit_question *question = userdata;
    const char *path;

    if (sd_bus_message_is_method_error(reply, NO_UNIT))
        return finish(question, UNIT_NONE, (uid_t)-1);
    if (sd_bus_message_is_method_error(reply, NULL) || sd_bus_message_read(reply, "o", &path) < 0)
        return finish(question, UNIT_UNKNOWN, (uid_t)-1);
    return take_path(question, path);
}

static int ask_by_number(struct unit_question *question)
{
    question->slot = sd_bus_slot_unref(question->slot);
    return sd_bus_call_method_async(question->units->bus, &question->slot, SYSTEMD, SYSTEMD_PATH,
                                    SYSTEMD_MANAGER, "GetUnitByPID", on_unit, question, "u",
                                    (uint32_t)question->pid);
}

static int on_unit_of_pidfd(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct unit_question *question = userdata;

    if (!sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_METHOD))
        return on_unit(reply, question, error);
    return ask_by_number(question) < 0 ? finish(question, UNIT_UNKNOWN, (uid_t)-1) : 0;
}

static int send(struct unit_question *question)
{
    if (question->exact)
        return sd_bus_call_method_async(question->units->bus, &question->slot, SYSTEMD, SYSTEMD_PATH,
                                        SYSTEMD_MANAGER, "GetUnitByPIDFD", on_unit_of_pidfd, question, "h",
                                        question->pidfd);
    return ask_by_number(question);
}

/* The first one whose user has not its share yet. What can't be sent is told when its patience ends. */
static void ask_next(struct units *units)
{
    for (GList *link = units->waiting.head; link != NULL; link = link->next) {
        struct unit_question *question = link->data;

        if (!quota_take(units->open, question->uid))
            continue;
        enqueue(question, &units->asked);
        if (send(question) < 0) {
            quota_give_back(units->open, question->uid);
            enqueue(question, NULL);
            sd_event_source_set_time_relative(question->patience, 0);
        }
        return;
    }
}

static int on_patience(sd_event_source *source, uint64_t when, void *userdata)
{
    struct unit_question *question = userdata;
    bool is_open = question->queue == &question->units->asked;

    answer(question, UNIT_UNKNOWN, (uid_t)-1);
    if (!is_open)
        destroy(question);
    return 0;
}

struct unit_question *unit_ask(struct units *units, uid_t uid, pid_t pid, int pidfd, bool exact, unit_fn fn,
                               void *userdata)
{
    struct unit_question *question = g_new0(struct unit_question, 1);

    *question = (struct unit_question){.units = units,
                                       .link.data = question,
                                       .uid = uid,
                                       .pid = pid,
                                       .pidfd = pidfd,
                                       .exact = exact,
                                       .fn = fn,
                                       .userdata = userdata};
    if (sd_event_add_time_relative(units->event, &question->patience, CLOCK_BOOTTIME, PATIENCE, 0,
                                   on_patience, question) < 0) {
        destroy(question);
        return NULL;
    }
    enqueue(question, &units->waiting);
    ask_next(units);
    return question;
}

struct unit_question *unit_question_free(struct unit_question *question)
{
    if (question == NULL)
        return NULL;
    question->fn = NULL;
    if (question->queue != &question->units->asked)
        destroy(question);
    return NULL;
}

static int disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct units *units = userdata;

    journal_send(LOG_ERR, NULL, (const char *[]){NULL},
                 "the system's bus is gone: ending, to be started again with it");
    return sd_event_exit(units->event, -ECONNRESET);
}

/* The bus counts a question until it is answered, so no time-out of ours may end it before. */
static int connect_bus(struct units *units)
{
    int r = sd_bus_open_system_with_description(&units->bus, "keyturnd, units");

    if (r >= 0)
        r = sd_bus_set_method_call_timeout(units->bus, UINT64_MAX);
    if (r >= 0)
        r = sd_bus_match_signal_async(units->bus, NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", disconnected, NULL, units);
    return r < 0 ? r : sd_bus_attach_event(units->bus, units->event, SD_EVENT_PRIORITY_NORMAL);
}

int units_new(sd_event *event, struct units **ret)
{
    struct units *units = g_new0(struct units, 1);
    int r;

    *units = (struct units){.event = event, .open = quota_new(OPEN_EACH, OPEN_ALL)};
    r = connect_bus(units);
    if (r < 0) {
        units_free(units);
        return r;
    }
    *ret = units;
    return 0;
}

struct units *units_free(struct units *units)
{
    if (units == NULL)
        return NULL;
    while (units->waiting.head != NULL)
        destroy(units->waiting.head->data);
    while (units->asked.head != NULL)
        destroy(units->asked.head->data);
    sd_bus_close_unref(units->bus);
    quota_free(units->open);
    g_free(units);
    return NULL;
}
