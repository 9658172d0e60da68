/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pace a user. Who is not known yet has a few calls, since most are never asked who they are: reading a
 * property, say. Who goes on after being told to wait is not answered any more, and then the bus has it wait.
 */
#include "daemon/bus/intake.h"

#include "daemon/bus/departures.h"
#include "daemon/bus/errors.h"
#include "daemon/bus/pulse.h"

/* Calls of one user: at once, and a second. */
#define BURST 4096
#define PER_SECOND 128

/* How often a user is told to wait. */
#define REFUSALS_BURST 256
#define REFUSALS_PER_SECOND 8

/* Calls on a connection until it is asked whose it is, and until that is known. */
#define ASKED_AFTER 32
#define UNKNOWN_MAX 128

struct intake {
    struct service *service;
    struct pace *calls, *refusals;
    GHashTable *unknown; /* unique name -> how many calls, as a pointer */
    sd_bus_slot *filter, *gone;
};

static void refuse(struct intake *intake, uid_t uid, sd_bus_message *call)
{
    if (pace_take(intake->refusals, uid, 1, pace_now()))
        bus_reply_busy(call, "too many calls of yours, for some time now: make fewer, and read the answers");
}

/* From now on it is known. */
static void known(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                  void *userdata)
{
    struct intake *intake = userdata;

    if (answer == CALLER_KNOWN)
        g_hash_table_remove(intake->unknown, caller->sender);
}

static bool may_unknown(struct intake *intake, const char *sender, sd_bus_message *call)
{
    unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(intake->unknown, sender)) + 1;

    g_hash_table_replace(intake->unknown, g_strdup(sender), GUINT_TO_POINTER(count));
    if (count % ASKED_AFTER == 0)
        callers_look_at_name(intake->service->callers, sender, call, known, intake);
    return count <= UNKNOWN_MAX;
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error)
{
    struct intake *intake = userdata;
    const char *sender = sd_bus_message_get_sender(message);
    const struct caller *caller = callers_find(intake->service->callers, sender);
    uid_t uid = caller != NULL ? caller->holder.uid : (uid_t)-1;
    uint8_t type;

    if (sd_bus_message_get_type(message, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL || sender == NULL)
        return 0;
    pulse_expect(intake->service->pulse);
    if (uid == 0 || (caller != NULL ? pace_take(intake->calls, uid, 1, pace_now())
                                    : may_unknown(intake, sender, message)))
        return 0;
    refuse(intake, uid, message);
    return 1;
}

static int name_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct intake *intake = userdata;
    const char *name = departures_name(signal);

    if (name != NULL)
        g_hash_table_remove(intake->unknown, name);
    return 0;
}

struct intake *intake_new(struct service *service)
{
    struct intake *intake = g_new0(struct intake, 1);

    *intake = (struct intake){.service = service,
                              .calls = pace_new(BURST, PER_SECOND),
                              .refusals = pace_new(REFUSALS_BURST, REFUSALS_PER_SECOND),
                              .unknown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    return sd_bus_add_filter(service->bus, &intake->filter, on_message, intake) < 0 ||
                   departures_watch(service->bus, &intake->gone, name_gone, intake) < 0
               ? intake_free(intake)
               : intake;
}

struct intake *intake_free(struct intake *intake)
{
    if (intake == NULL)
        return NULL;
    sd_bus_slot_unref(intake->filter);
    sd_bus_slot_unref(intake->gone);
    g_hash_table_destroy(intake->unknown);
    pace_free(intake->calls);
    pace_free(intake->refusals);
    g_free(intake);
    return NULL;
}
