/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a person says to rotations: begin, hurry, resume, roll back, confirm. */
#include "daemon/bus/manage.h"

#include "daemon/bus/errors.h"
#include "daemon/bus/settings.h"
#include "daemon/operations/operation.h"
#include "daemon/rotate.h"
#include "daemon/schedule.h"
#include "daemon/waits.h"

/* --compromised, while a rotation runs: it does that to the running one, which then asks for one more. */
static bool hurry(struct daemon *daemon, const char *name, char **ret_rid)
{
    const struct rotation *running = rotator_find(daemon->rotator, name);

    if (running == NULL || running->state == ROTATION_HELD)
        return false;
    *ret_rid = g_strdup(running->rid);
    return rotator_say(daemon->rotator, name, &(struct rotation_event){.type = EVENT_HURRY}) == 0;
}

static void begin(struct pending *pending, bool compromised)
{
    struct daemon *daemon = pending->service->daemon;
    g_autoptr(GError) error = NULL;
    struct entry *entry = operation_find(daemon, pending->name, &error);
    g_autofree char *rid = NULL;

    if (entry != NULL)
        rid = rotate_begin(daemon, entry, compromised ? CAUSE_COMPROMISED : CAUSE_ASKED, &error);
    if (rid != NULL)
        sd_bus_reply_method_return(pending->call, "s", rid);
    else
        bus_reply_error(pending->call, error);
    schedule_look_again(daemon);
    pending_free(pending);
}

static void before_is_over(enum wait_outcome outcome, const char *reason, void *userdata)
{
    begin(userdata, false);
}

void manage_rotate(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    struct daemon *daemon = service->daemon;
    const struct rotation *running;
    g_autoptr(GError) error = NULL;
    g_autofree char *rid = NULL;
    const char *name;
    bool compromised;

    if (sd_bus_message_read(call, "s", &name) < 0)
        return bus_reply_garbled(call);
    if (!options_read(call, &compromised, &error))
        return bus_reply_error(call, error);
    running = rotator_find(daemon->rotator, name);
    if (compromised && hurry(daemon, name, &rid)) {
        sd_bus_reply_method_return(call, "s", rid);
        schedule_look_again(daemon);
    } else if (running != NULL && running->state == ROTATION_DELETED) {
        /* The one before has but its closing look to do: soon after an add, say. */
        waits_add(daemon->waits, running->rid, WAIT_OVER, before_is_over,
                  pending_new(service, call, caller, name));
    } else {
        begin(pending_new(service, call, caller, name), compromised);
    }
}

/* Why a word can't be said now; NULL: it can. */
static GError *objection(struct daemon *daemon, const char *name, enum rotation_event_type word)
{
    const struct rotation *rotation = rotator_find(daemon->rotator, name);
    const char *what = word == EVENT_RESUME    ? "held"
                       : word == EVENT_CONFIRM ? "waiting for a deletion"
                                               : "under way";
    bool fits = rotation != NULL && (word == EVENT_RESUME    ? rotation->state == ROTATION_HELD
                                     : word == EVENT_CONFIRM ? rotation->state == ROTATION_AWAITING_DELETION
                                                             : true);

    if (!fits)
        return g_error_new(KT_ERROR, KT_INVALID, "no rotation of %s is %s: see keyturn status %s", name, what,
                           name);
    /* Said twice is said once: the reply to the first may have been lost. */
    if (word == EVENT_ROLLBACK && !rotation_can_roll_back(rotation) && !rotation_is_rolled_back(rotation))
        return g_error_new(KT_ERROR, KT_INVALID,
                           "it is too late to roll back: the old key of %s may be gone already: "
                           "see keyturn status %s",
                           name, name);
    if (word == EVENT_RESUME && ledger_is_foreign(daemon->ledger) && ledger_claim(daemon->ledger) < 0)
        return g_error_new(KT_ERROR, KT_FAILED, "the ledger can't be written: make room in %s",
                           daemon->paths.state);
    return NULL;
}

static void say(struct service *service, sd_bus_message *call, enum rotation_event_type word)
{
    struct daemon *daemon = service->daemon;
    g_autoptr(GError) error = NULL;
    const char *name;

    if (sd_bus_message_read(call, "s", &name) < 0)
        return bus_reply_garbled(call);
    if (operation_find(daemon, name, &error) != NULL)
        error = objection(daemon, name, word);
    if (error == NULL && rotator_say(daemon->rotator, name, &(struct rotation_event){.type = word}) < 0)
        error = g_error_new(KT_ERROR, KT_FAILED, "the ledger can't be written: make room in %s",
                            daemon->paths.state);
    if (error == NULL)
        sd_bus_reply_method_return(call, "");
    else
        bus_reply_error(call, error);
    schedule_look_again(daemon);
}

void manage_resume(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    say(service, call, EVENT_RESUME);
}

void manage_rollback(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    say(service, call, EVENT_ROLLBACK);
}

void manage_confirm_deleted(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    say(service, call, EVENT_CONFIRM);
}
