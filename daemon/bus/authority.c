/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may manage. polkit is asked in system mode alone, and only about others than root: a few questions a
 * user at a time. One that nobody waits for any more still counts until polkit has answered it, since the bus
 * counts it too. */
#include "daemon/bus/authority.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/departures.h"
#include "daemon/bus/errors.h"
#include "daemon/bus/kept-call.h"
#include "daemon/bus/quota.h"
#include "daemon/core/errors.h"
#include "daemon/refusals.h"
#include "daemon/util/cleanup.h"

#define ACTION "org.keyturn1.manage"
#define POLKIT "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"
#define ASK_TIMEOUT (120 * USEC_PER_SEC) /* a person types a password */
#define OPEN_EACH 8
#define OPEN_ALL 32

struct authority {
    struct service *service;
    struct quota *open;
    GQueue questions; /* struct question */
    uint64_t asked;   /* ever */
    sd_bus_slot *gone;
};

/* What is done once the caller is known. */
struct permission {
    struct service *service;
    authority_act act;
};

/* One of polkit. */
struct question {
    struct authority *authority;
    GList link;
    authority_act act;
    sd_bus_message *call; /* NULL: nobody waits for it */
    uid_t uid;
    char *id; /* by which polkit is told to forget it */
    sd_bus_slot *slot;
    sd_event_source *patience;
};

static void deny(struct service *service, sd_bus_message *call, const struct caller *caller, const char *why)
{
    g_autoptr(GError) error = g_error_new(KT_ERROR, KT_DENIED, "%s may not manage keys: %s",
                                          caller != NULL ? caller->text : "nobody known", why);

    refusals_note(service->daemon->refusals,
                  &(struct refusal){.uid = caller != NULL ? caller->holder.uid : (uid_t)-1,
                                    .integration = "",
                                    .rule = why,
                                    .message = error->message,
                                    .caller = caller != NULL ? caller->text : NULL,
                                    .unit = caller != NULL ? caller->unit : NULL});
    bus_reply_error(call, error);
}

static void question_free(struct question *question)
{
    g_queue_unlink(&question->authority->questions, &question->link);
    quota_give_back(question->authority->open, question->uid);
    sd_bus_slot_unref(question->slot);
    sd_event_source_disable_unref(question->patience);
    sd_bus_message_unref(question->call);
    g_free(question->id);
    g_free(question);
}

/* polkit, and the person whom it asks, are told that it is over. */
static void abandon(struct question *question)
{
    question->call = sd_bus_message_unref(question->call);
    question->patience = sd_event_source_disable_unref(question->patience);
    sd_bus_call_method_async(question->authority->service->bus, NULL, POLKIT, POLKIT_PATH, POLKIT_INTERFACE,
                             "CancelCheckAuthorization", NULL, NULL, "s", question->id);
}

static int on_patience(sd_event_source *source, uint64_t when, void *userdata)
{
    struct question *question = userdata;

    bus_reply_busy(question->call, "polkit has not answered for two minutes: try again, or use root");
    abandon(question);
    return 0;
}

static void identified_again(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                             void *userdata)
{
    g_autofree struct permission *permission = userdata;

    if (answer == CALLER_KNOWN)
        permission->act(permission->service, call, caller);
}

static void denied_again(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                         void *userdata)
{
    g_autofree struct permission *permission = userdata;

    if (answer == CALLER_KNOWN)
        deny(permission->service, call, caller, "polkit does not allow " ACTION ": ask an administrator");
}

static struct permission *permission_new(struct service *service, authority_act act)
{
    struct permission *permission = g_new0(struct permission, 1);

    *permission = (struct permission){service, act};
    return permission;
}

/* Where there is no polkit nobody but root is allowed. */
static bool read_answer(sd_bus_message *reply)
{
    int is_allowed = 0;

    return sd_bus_message_enter_container(reply, 'r', "bba{ss}") >= 0 &&
           sd_bus_message_read(reply, "b", &is_allowed) >= 0 && is_allowed;
}

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct question *question = userdata;
    struct service *service = question->authority->service;
    _cleanup_message_ sd_bus_message *call = question->call;
    struct permission *permission;

    question->call = NULL;
    permission = call != NULL ? permission_new(service, question->act) : NULL;
    question_free(question);
    if (call == NULL)
        return 0;
    if (sd_bus_message_is_method_error(reply, NULL) &&
        !sd_bus_message_is_method_error(reply, SD_BUS_ERROR_SERVICE_UNKNOWN)) {
        bus_reply_busy(call, "polkit can't be asked now: try again, or use root");
        g_free(permission);
    } else
        callers_identify(service->callers, call, NULL, read_answer(reply) ? identified_again : denied_again,
                         permission);
    return 0;
}

/* Negative errno. */
static int send(struct question *question)
{
    struct service *service = question->authority->service;
    _cleanup_message_ sd_bus_message *message = NULL;
    bool interactive = sd_bus_message_get_allow_interactive_authorization(question->call) > 0;
    int r = sd_bus_message_new_method_call(service->bus, &message, POLKIT, POLKIT_PATH, POLKIT_INTERFACE,
                                           "CheckAuthorization");

    if (r >= 0)
        r = sd_bus_message_append(message, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(question->call), ACTION, 0, interactive ? 1u : 0u,
                                  question->id);
    if (r >= 0)
        r = sd_event_add_time_relative(service->daemon->event, &question->patience, CLOCK_BOOTTIME,
                                       ASK_TIMEOUT, USEC_PER_SEC, on_patience, question);
    if (r >= 0)
        r = sd_bus_call_async(service->bus, &question->slot, message, on_answer, question, UINT64_MAX);
    return r;
}

/* Takes one of the uid's share. */
static struct question *question_new(struct authority *authority, uid_t uid, sd_bus_message *call,
                                     authority_act act)
{
    struct question *question = g_new0(struct question, 1);

    *question = (struct question){.authority = authority,
                                  .link.data = question,
                                  .act = act,
                                  .call = call,
                                  .uid = uid,
                                  .id = g_strdup_printf("keyturn-%" PRIu64, ++authority->asked)};
    g_queue_push_tail_link(&authority->questions, &question->link);
    return question;
}

static void ask_polkit(struct authority *authority, const struct caller *caller, sd_bus_message *call,
                       authority_act act)
{
    uid_t uid = caller->holder.uid;
    sd_bus_message *kept;
    struct question *question;

    if (kept_call_new(call, &kept, NULL) < 0) {
        bus_reply_too_long(call);
        return;
    }
    if (!quota_take(authority->open, uid)) {
        bus_reply_busy(call, "too many questions wait for polkit already: let those be answered first");
        sd_bus_message_unref(kept);
        return;
    }
    question = question_new(authority, uid, kept, act);
    if (send(question) >= 0)
        return;
    bus_reply_busy(kept, "polkit can't be asked: use root");
    question_free(question);
}

static void identified(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                       void *userdata)
{
    g_autofree struct permission *permission = userdata;
    struct service *service = permission->service;

    switch (answer) {
    case CALLER_LEFT:
        return;
    case CALLER_TOO_LONG:
        return bus_reply_too_long(call);
    case CALLER_BUSY:
        return bus_reply_busy(call, CALLER_BUSY_TEXT);
    case CALLER_UNKNOWN:
        return deny(service, call, NULL, "the bus does not say who it is");
    case CALLER_KNOWN:
        break;
    }
    if (caller->holder.uid == 0 || (!service->daemon->system_mode && caller->holder.uid == getuid()))
        permission->act(service, call, caller);
    else if (!service->daemon->system_mode)
        deny(service, call, caller, "this keyturnd serves another user");
    else
        ask_polkit(service->authority, caller, call, permission->act);
}

void authority_check(struct service *service, sd_bus_message *call, authority_act act)
{
    callers_identify(service->callers, call, NULL, identified, permission_new(service, act));
}

static int name_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct authority *authority = userdata;
    const char *name = departures_name(signal);

    for (GList *link = authority->questions.head; link != NULL; link = link->next) {
        struct question *question = link->data;

        if (question->call != NULL && g_strcmp0(sd_bus_message_get_sender(question->call), name) == 0)
            abandon(question);
    }
    return 0;
}

struct authority *authority_new(struct service *service)
{
    struct authority *authority = g_new0(struct authority, 1);

    *authority = (struct authority){.service = service, .open = quota_new(OPEN_EACH, OPEN_ALL)};
    return departures_watch(service->bus, &authority->gone, name_gone, authority) < 0
               ? authority_free(authority)
               : authority;
}

struct authority *authority_free(struct authority *authority)
{
    if (authority == NULL)
        return NULL;
    sd_bus_slot_unref(authority->gone);
    while (authority->questions.head != NULL)
        question_free(authority->questions.head->data);
    quota_free(authority->open);
    g_free(authority);
    return NULL;
}
