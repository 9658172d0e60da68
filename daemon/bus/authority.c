/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may manage. polkit is asked in system mode alone, and only about others than root. */
#include "daemon/bus/authority.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/bus/errors.h"
#include "daemon/core/errors.h"
#include "daemon/util/cleanup.h"

#define ACTION "org.keyturn1.manage"
#define ASK_TIMEOUT (120 * USEC_PER_SEC) /* a person types a password */

struct permission {
    struct service *service;
    authority_act act;
    sd_bus_message *call;
};

static void permission_free(struct permission *permission)
{
    sd_bus_message_unref(permission->call);
    g_free(permission);
}

static void deny(struct service *service, sd_bus_message *call, const struct caller *caller, const char *why)
{
    g_autoptr(GError) error = g_error_new(KT_ERROR, KT_DENIED, "%s may not manage keys: %s",
                                          caller != NULL ? caller->text : "nobody known", why);

    daemon_note(service->daemon, LOG_WARNING,
                &(struct ledger_event){.time = clock_now(),
                                       .integration = "",
                                       .event = "refused",
                                       .message = error->message,
                                       .caller = caller != NULL ? caller->text : NULL});
    bus_reply_error(call, error);
}

static void known_again(const struct caller *caller, sd_bus_message *call, void *userdata)
{
    struct permission *permission = userdata;

    if (caller != NULL)
        permission->act(permission->service, call, caller);
    else
        deny(permission->service, call, NULL, "the caller has gone");
    permission_free(permission);
}

static void denied_again(const struct caller *caller, sd_bus_message *call, void *userdata)
{
    struct permission *permission = userdata;

    deny(permission->service, call, caller, "polkit does not allow " ACTION ": ask an administrator");
    permission_free(permission);
}

static int polkit_answered(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct permission *permission = userdata;
    int authorised = 0;

    if (sd_bus_message_is_method_error(reply, NULL) ||
        sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
        sd_bus_message_read(reply, "b", &authorised) < 0)
        authorised = 0;
    callers_identify(permission->service->callers, permission->call, authorised ? known_again : denied_again,
                     permission);
    return 0;
}

static int ask_polkit(struct permission *permission)
{
    _cleanup_message_ sd_bus_message *question = NULL;
    bool interactive = sd_bus_message_get_allow_interactive_authorization(permission->call) > 0;
    int r = sd_bus_message_new_method_call(permission->service->bus, &question, "org.freedesktop.PolicyKit1",
                                           "/org/freedesktop/PolicyKit1/Authority",
                                           "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");

    if (r >= 0)
        r = sd_bus_message_append(question, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                  sd_bus_message_get_sender(permission->call), ACTION, 0,
                                  interactive ? 1u : 0u, "");
    if (r >= 0)
        r = sd_bus_call_async(permission->service->bus, NULL, question, polkit_answered, permission,
                              ASK_TIMEOUT);
    return r;
}

static void identified(const struct caller *caller, sd_bus_message *call, void *userdata)
{
    struct permission *permission = userdata;
    struct service *service = permission->service;

    if (caller == NULL) {
        deny(service, call, NULL, "the bus does not say who it is");
    } else if (caller->holder.uid == 0 || (!service->daemon->system_mode && caller->holder.uid == getuid())) {
        permission->act(service, call, caller);
    } else if (!service->daemon->system_mode) {
        deny(service, call, caller, "this keyturnd serves another user");
    } else if (ask_polkit(permission) >= 0) {
        return;
    } else {
        deny(service, call, caller, "polkit can't be asked: use root");
    }
    permission_free(permission);
}

void authority_check(struct service *service, sd_bus_message *call, authority_act act)
{
    struct permission *permission = g_new0(struct permission, 1);

    *permission = (struct permission){service, act, sd_bus_message_ref(call)};
    callers_identify(service->callers, call, identified, permission);
}
