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
#include "daemon/refusals.h"
#include "daemon/secrets.h"
#include "daemon/util/cleanup.h"

/* How the key gets to the caller. */
enum way {
    WAY_STRING, /* in the reply */
    WAY_LENT,   /* into a socket that the caller sent along */
    WAY_OPENED, /* in a socket that the reply has */
};

/* One fetch under way. */
struct fetch {
    struct service *service;
    int (*read)(struct fetch *fetch); /* takes the arguments out of the call */
    void (*act)(struct fetch *fetch, struct entry *entry);
    sd_bus_message *call; /* NULL until the caller is known */
    const char *name;     /* in the call */
    enum way way;
    int lent;                    /* in the call */
    uint64_t generation;         /* an argument of two of them */
    const struct caller *caller; /* NULL: not known; valid while it acts */
    uid_t counted;               /* whose share it takes; (uid_t)-1: nobody's yet */
};

static void fetch_free(struct fetch *fetch)
{
    if (fetch->counted != (uid_t)-1)
        quota_give_back(fetch->service->fetches, fetch->counted);
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

    refusals_note(fetch->service->daemon->refusals,
                  &(struct refusal){.uid = caller != NULL ? caller->holder.uid : (uid_t)-1,
                                    .integration = fetch->name,
                                    .rule = decision->rule,
                                    .message = message,
                                    .caller = caller != NULL ? caller->text : "an unknown caller",
                                    .unit = caller != NULL ? caller->unit : NULL});
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

/* Its arguments have been read. */
static void proceed(struct fetch *fetch)
{
    g_autoptr(GError) error = NULL;
    struct entry *entry = operation_find(fetch->service->daemon, fetch->name, &error);
    struct decision decision;

    if (entry == NULL) {
        refuse(fetch, error);
        return;
    }
    decision = decide(fetch->service, entry, fetch->caller);
    if (!decision.allowed) {
        deny(fetch, fetch->caller, &decision);
    } else if (!quota_take(fetch->service->fetches, fetch->caller->holder.uid)) {
        refuse_with(fetch, KT_BUSY, "too many calls of yours wait already: let those be answered first");
    } else {
        fetch->counted = fetch->caller->holder.uid;
        fetch->act(fetch, entry);
    }
    decision_clear(&decision);
}

/* Whether a rule that says nothing of units lets it in already. */
static bool is_allowed_without_unit(const struct caller *so_far, sd_bus_message *call, void *userdata)
{
    const struct fetch *fetch = userdata;
    struct decision decision;
    const struct entry *entry;
    const char *name;
    bool allowed;

    if (sd_bus_message_read(call, "s", &name) < 0 || sd_bus_message_rewind(call, true) < 0)
        return false;
    entry = registry_find(fetch->service->daemon->registry, name);
    if (entry == NULL)
        return true;
    decision = decide(fetch->service, entry, so_far);
    allowed = decision.allowed;
    decision_clear(&decision);
    return allowed;
}

static void identified(enum caller_answer answer, const struct caller *caller, sd_bus_message *call,
                       void *userdata)
{
    struct fetch *fetch = userdata;

    fetch->call = sd_bus_message_ref(call);
    fetch->caller = caller;
    switch (answer) {
    case CALLER_LEFT:
        fetch_free(fetch);
        break;
    case CALLER_TOO_LONG:
        bus_reply_too_long(call);
        fetch_free(fetch);
        break;
    case CALLER_BUSY:
        refuse_with(fetch, KT_BUSY, CALLER_BUSY_TEXT);
        break;
    case CALLER_UNKNOWN:
    case CALLER_KNOWN:
        if (fetch->read(fetch) < 0)
            refuse_with(fetch, KT_INVALID, "the arguments can't be read: see org.keyturn1(5)");
        else
            proceed(fetch);
    }
}

static int start(struct service *service, sd_bus_message *call, enum way way,
                 int (*read)(struct fetch *fetch), void (*act)(struct fetch *fetch, struct entry *entry))
{
    struct fetch *fetch = g_new0(struct fetch, 1);

    *fetch = (struct fetch){.service = service, .read = read, .act = act, .way = way, .counted = (uid_t)-1};
    callers_identify(service->callers, call, is_allowed_without_unit, identified, fetch);
    return 1;
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

static int reply_lent(struct fetch *fetch, const struct secret *secret, uint64_t generation)
{
    int r = delivery_give(fetch->lent, secret);

    return r < 0 ? r : sd_bus_reply_method_return(fetch->call, "t", generation);
}

static int reply_opened(struct fetch *fetch, const struct secret *secret, uint64_t generation)
{
    struct openings *openings = fetch->service->openings;
    _cleanup_close_ int read_end = -1;
    int ours;

    if (!openings_take(openings, fetch->counted))
        return -EBUSY;
    read_end = delivery_open(secret, &ours);
    openings_watch(openings, fetch->counted, read_end < 0 ? -1 : ours);
    return read_end < 0 ? read_end : sd_bus_reply_method_return(fetch->call, "ht", read_end, generation);
}

static int reply_key(struct fetch *fetch, const struct secret *secret, uint64_t generation)
{
    switch (fetch->way) {
    case WAY_STRING:
        return reply_string(fetch, secret);
    case WAY_LENT:
        return reply_lent(fetch, secret, generation);
    case WAY_OPENED:
        return reply_opened(fetch, secret, generation);
    }
    return -EINVAL;
}

static void hand_out(struct fetch *fetch, struct entry *entry, const struct caller *caller,
                     const struct secret *secret)
{
    int r = reply_key(fetch, secret, entry_current(entry)->generation);

    if (r >= 0) {
        accounting_fetched(fetch->service->daemon->accounting, entry, &caller->holder, caller->text);
        fetch_free(fetch);
    } else if (fetch->way == WAY_LENT)
        refuse_with(fetch, KT_INVALID, "it takes no key (%s): pass one end of a new socket pair",
                    g_strerror(-r));
    else if (r == -EBUSY)
        refuse_with(fetch, KT_BUSY, "keys that were opened wait to be read: read those, and close them");
    else
        refuse_with(fetch, KT_FAILED, "the key can't be sent (%s): try again", g_strerror(-r));
}

/* A slow keyring may have let the caller go: who is not there any more gets nothing. */
static void got(const struct secret *secret, const GError *error, void *userdata)
{
    struct fetch *fetch = userdata;
    const struct caller *caller =
        callers_find(fetch->service->callers, sd_bus_message_get_sender(fetch->call));
    struct entry *entry = registry_find(fetch->service->daemon->registry, fetch->name);
    const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;

    if (caller == NULL) {
        fetch_free(fetch);
    } else if (error != NULL) {
        refuse(fetch, error);
    } else if (key == NULL) {
        refuse_with(fetch, KT_NO_KEY, "the key is gone: ask again");
    } else if (!holders_take_one_more(fetch->service->daemon, entry, &caller->holder)) {
        refuse_with(fetch, KT_BUSY, "too many programs of yours hold it: end some, or let one fetch for all");
    } else {
        hand_out(fetch, entry, caller, secret);
    }
}

/* The way that nobody who watches the bus can read: in system mode only root can, so the socket's end may
 * pass. */
static const char *closed_way(const struct service *service)
{
    return service->daemon->system_mode ? "OpenKey" : "GetKeyToFd";
}

static bool is_closed(const struct fetch *fetch)
{
    return fetch->way == WAY_LENT || (fetch->way == WAY_OPENED && fetch->service->daemon->system_mode);
}

static void act_get_key(struct fetch *fetch, struct entry *entry)
{
    if (entry->definition->pipe_only && !is_closed(fetch)) {
        refuse_with(fetch, KT_DENIED, "%s has Delivery=pipe: call %s, as keyturn get does", fetch->name,
                    closed_way(fetch->service));
        return;
    }
    secrets_get(fetch->service->daemon, entry, got, fetch);
}

static int read_name(struct fetch *fetch)
{
    return sd_bus_message_read(fetch->call, "s", &fetch->name);
}

static int read_name_and_fd(struct fetch *fetch)
{
    return sd_bus_message_read(fetch->call, "sh", &fetch->name, &fetch->lent);
}

int fetch_get_key(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    return start(userdata, call, WAY_STRING, read_name, act_get_key);
}

static void act_get_key_to_fd(struct fetch *fetch, struct entry *entry)
{
    if (delivery_is_possible(fetch->lent))
        act_get_key(fetch, entry);
    else
        refuse_with(
            fetch, KT_INVALID,
            "this is no connected AF_UNIX socket: pass one end of a socketpair(2); whoever has only a pipe "
            "uses keyturn get");
}

int fetch_open_key(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    return start(userdata, call, WAY_OPENED, read_name, act_get_key);
}

int fetch_get_key_to_fd(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    struct service *service = userdata;
    g_autoptr(GError) error = NULL;

    if (!service->daemon->system_mode)
        return start(service, call, WAY_LENT, read_name_and_fd, act_get_key_to_fd);
    /* The bus's policy keeps such a call away; where that is another one, the descriptor is left alone. */
    error = g_error_new(KT_ERROR, KT_DENIED,
                        "system mode takes no descriptors: call OpenKey, as keyturn get does");
    bus_reply_error(call, error);
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
    if (r > 0)
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

static int read_name_and_generation(struct fetch *fetch)
{
    return sd_bus_message_read(fetch->call, "st", &fetch->name, &fetch->generation);
}

int fetch_acknowledge(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    return start(userdata, call, WAY_STRING, read_name_and_generation, act_acknowledge);
}

int fetch_report_rejected(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    return start(userdata, call, WAY_STRING, read_name_and_generation, act_report);
}
