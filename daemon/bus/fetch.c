/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read, identify, decide, answer; and only then account. */
#include "daemon/bus/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/accounting.h"
#include "daemon/bus/errors.h"
#include "daemon/core/errors.h"
#include "daemon/holders.h"
#include "daemon/io/delivery.h"
#include "daemon/operations/operation.h"
#include "daemon/operations/revoke.h"
#include "daemon/secrets.h"
#include "daemon/util/cleanup.h"

/* One fetch under way. */
struct fetch {
    struct service *service;
    sd_bus_message *call;
    const char *name; /* in the call */
    int fd;           /* the caller's pipe, in the call; -1: it wants a string */
    const struct caller *caller;
    void (*act)(struct fetch *fetch, struct entry *entry);
    uint64_t generation; /* an argument of two of them */
};

static struct fetch *fetch_new(struct service *service, sd_bus_message *call,
                               void (*act)(struct fetch *fetch, struct entry *entry))
{
    struct fetch *fetch = g_new0(struct fetch, 1);

    *fetch = (struct fetch){.service = service, .call = sd_bus_message_ref(call), .fd = -1, .act = act};
    return fetch;
}

static void fetch_free(struct fetch *fetch)
{
    sd_bus_message_unref(fetch->call);
    g_free(fetch);
}

static void refuse(struct fetch *fetch, const GError *error)
{
    bus_reply_error(fetch->call, error);
    fetch_free(fetch);
}

static void G_GNUC_PRINTF(3, 4) refuse_with(struct fetch *fetch, int code, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list arguments;

    va_start(arguments, format);
    error = g_error_new_valist(KT_ERROR, code, format, arguments);
    va_end(arguments);
    refuse(fetch, error);
}

/* The policy's no: to the caller, to the log and to the history. */
static void deny(struct fetch *fetch, const struct caller *caller, const struct decision *decision)
{
    g_autofree char *message = g_strdup_printf("refused: %s (%s)", decision->rule, decision->evidence);

    daemon_note(fetch->service->daemon, LOG_WARNING,
                &(struct ledger_event){.time = clock_now(),
                                       .integration = fetch->name,
                                       .event = "refused",
                                       .message = message,
                                       .caller = caller != NULL ? caller->text : "an unknown caller",
                                       .caller_unit = caller != NULL ? caller->unit : NULL});
    refuse_with(fetch, KT_DENIED, "%s is not allowed to you: %s: see keyturn explain %s", fetch->name,
                decision->rule, fetch->name);
}

static struct decision decide(struct service *service, const struct entry *entry, const struct caller *caller)
{
    const struct policy_setting setting = {.system_mode = service->daemon->system_mode, .own_uid = getuid()};

    if (caller == NULL)
        return (struct decision){.rule = g_strdup("the bus does not say who calls"),
                                 .evidence = g_strdup("no credentials")};
    return policy_decide(entry->definition->allow, &caller->subject, &setting);
}

static void identified(const struct caller *caller, sd_bus_message *call, void *userdata)
{
    struct fetch *fetch = userdata;
    g_autoptr(GError) error = NULL;
    struct entry *entry = operation_find(fetch->service->daemon, fetch->name, &error);
    struct decision decision;

    if (entry == NULL) {
        refuse(fetch, error);
        return;
    }
    decision = decide(fetch->service, entry, caller);
    fetch->caller = caller;
    if (decision.allowed)
        fetch->act(fetch, entry);
    else
        deny(fetch, caller, &decision);
    decision_clear(&decision);
}

static int start(struct fetch *fetch)
{
    callers_identify(fetch->service->callers, fetch->call, identified, fetch);
    return 1;
}

/* The reply has left. The caller is asked for anew: a slow keyring may have let it go. */
static void account(const struct caller *caller, sd_bus_message *call, void *userdata)
{
    struct fetch *fetch = userdata;
    struct daemon *daemon = fetch->service->daemon;
    struct entry *entry = registry_find(daemon->registry, fetch->name);

    if (caller != NULL && entry != NULL)
        accounting_fetched(daemon->accounting, entry, &caller->holder, caller->text);
    fetch_free(fetch);
}

static int reply_string(struct fetch *fetch, const struct secret *secret)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r = sd_bus_message_new_method_return(fetch->call, &reply);

    if (r >= 0)
        r = sd_bus_message_sensitive(reply);
    if (r >= 0)
        r = sd_bus_message_append(reply, "s", secret_text(secret));
    return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void got(const struct secret *secret, const GError *error, void *userdata)
{
    struct fetch *fetch = userdata;
    struct entry *entry = registry_find(fetch->service->daemon->registry, fetch->name);
    const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;
    int r;

    if (error != NULL || key == NULL) {
        g_autoptr(GError) gone = g_error_new(KT_ERROR, KT_NO_KEY, "the key is gone: ask again");
        refuse(fetch, error != NULL ? error : gone);
        return;
    }
    if (fetch->fd < 0) {
        r = reply_string(fetch, secret);
    } else {
        r = delivery_give(fetch->fd, secret);
        if (r < 0) {
            refuse_with(fetch, KT_INVALID, "it takes no key (%s): pass the end of a new socket pair or pipe",
                        g_strerror(-r));
            return;
        }
        r = sd_bus_reply_method_return(fetch->call, "t", key->generation);
    }
    if (r < 0) {
        fetch_free(fetch);
        return;
    }
    callers_identify(fetch->service->callers, fetch->call, account, fetch);
}

static void act_get_key(struct fetch *fetch, struct entry *entry)
{
    if (fetch->fd < 0 && entry->definition->pipe_only) {
        refuse_with(fetch, KT_DENIED, "%s has Delivery=pipe: call GetKeyToFd, as keyturn get does",
                    fetch->name);
        return;
    }
    secrets_get(fetch->service->daemon, entry, got, fetch);
}

int fetch_get_key(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct fetch *fetch = fetch_new(userdata, call, act_get_key);
    int r = sd_bus_message_read(call, "s", &fetch->name);

    if (r >= 0)
        return start(fetch);
    fetch_free(fetch);
    return r;
}

int fetch_get_key_to_fd(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct fetch *fetch = fetch_new(userdata, call, act_get_key);
    int r = sd_bus_message_read(call, "sh", &fetch->name, &fetch->fd);

    if (r < 0) {
        fetch_free(fetch);
        return r;
    }
    if (delivery_is_possible(fetch->fd))
        return start(fetch);
    refuse_with(fetch, KT_INVALID, "this is no pipe to write into: make one with socketpair(2) or pipe(2)");
    return 1;
}

static void act_acknowledge(struct fetch *fetch, struct entry *entry)
{
    const struct ledger_key *key = entry_current(entry);
    int r;

    if (key == NULL || fetch->generation > key->generation) {
        refuse_with(fetch, KT_INVALID,
                    "there is no generation %" G_GUINT64_FORMAT " of %s yet: name the one you use",
                    fetch->generation, fetch->name);
        return;
    }
    r = fetch->caller != NULL
            ? holders_acknowledge(fetch->service->daemon, entry, &fetch->caller->holder, fetch->generation)
            : -ENOENT;

    if (r == -ENOENT) {
        refuse_with(fetch, KT_INVALID, "you hold no key of %s: fetch it first", fetch->name);
        return;
    }
    if (r < 0) {
        refuse_with(fetch, KT_FAILED, "the ledger can't be written: %s: try again", g_strerror(-r));
        return;
    }
    sd_bus_reply_method_return(fetch->call, "");
    rotator_wake_integration(fetch->service->daemon->rotator, fetch->name);
    fetch_free(fetch);
}

static void reported(const GError *error, const char *text, void *userdata)
{
    struct fetch *fetch = userdata;

    if (error != NULL) {
        refuse(fetch, error);
        return;
    }
    sd_bus_reply_method_return(fetch->call, "");
    fetch_free(fetch);
}

static void act_report(struct fetch *fetch, struct entry *entry)
{
    report_rejected(fetch->service->daemon, entry, fetch->generation, reported, fetch);
}

static int start_with_generation(sd_bus_message *call, void *userdata,
                                 void (*act)(struct fetch *, struct entry *))
{
    struct fetch *fetch = fetch_new(userdata, call, act);
    int r = sd_bus_message_read(call, "st", &fetch->name, &fetch->generation);

    if (r >= 0)
        return start(fetch);
    fetch_free(fetch);
    return r;
}

int fetch_acknowledge(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    return start_with_generation(call, userdata, act_acknowledge);
}

int fetch_report_rejected(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    return start_with_generation(call, userdata, act_report);
}
