/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any news makes it ask anew, in three steps: who owns the name, which collection is the default, is that
 * locked. Touches the bus of the Secret Service and nothing else. */
#include "daemon/io/keyring-watch.h"

#include <errno.h>
#include <stdarg.h>

#include <glib.h>
#include <systemd/sd-bus.h>

#include "daemon/util/cleanup.h"

#define NAME "org.freedesktop.secrets"
#define PATH "/org/freedesktop/secrets"
#define SERVICE "org.freedesktop.Secret.Service"
#define COLLECTION "org.freedesktop.Secret.Collection"
#define BUS "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"
#define PROPERTIES "org.freedesktop.DBus.Properties"

#define DELAY_MIN USEC_PER_SEC
#define DELAY_MAX (30 * USEC_PER_SEC)

struct keyring_watch {
    sd_event *event;
    keyring_state_fn state_fn;
    void *userdata;
    enum keyring_state state, told;
    bool is_known;          /* the bus has answered */
    bool was_told;          /* and so has somebody been told */
    sd_event_source *tell;  /* the state may be news */
    sd_event_source *again; /* connect, or ask, later */
    usec_t delay;
    sd_bus *bus;
    sd_bus_slot *question; /* the step under way */
    char *owner;           /* of the name, when that was asked last */
};

static void set_state(struct keyring_watch *watch, enum keyring_state state)
{
    watch->state = state;
    watch->is_known = true;
    sd_event_source_set_enabled(watch->tell, SD_EVENT_ONESHOT);
}

static void ask_later(struct keyring_watch *watch)
{
    sd_event_source_set_time_relative(watch->again, watch->delay);
    sd_event_source_set_enabled(watch->again, SD_EVENT_ONESHOT);
    watch->delay = MIN(2 * watch->delay, DELAY_MAX);
}

/* A service that is not unlocked is asked again even without a signal: not all of them tell of an alias. */
static int conclude(struct keyring_watch *watch, enum keyring_state state)
{
    watch->question = sd_bus_slot_unref(watch->question);
    set_state(watch, state);
    if (state != KEYRING_UNLOCKED)
        ask_later(watch);
    return 0;
}

/* The three steps */

/* Calls; what was asked before is forgotten. Nobody to ask, or no sense in the answer, is an absent keyring.
 */
static int ask(struct keyring_watch *watch, const char *to, const char *path, const char *interface,
               const char *member, sd_bus_message_handler_t on_answer, const char *types, ...)
{
    va_list arguments;
    int r;

    watch->question = sd_bus_slot_unref(watch->question);
    va_start(arguments, types);
    r = sd_bus_call_method_asyncv(watch->bus, &watch->question, to, path, interface, member, on_answer, watch,
                                  types, arguments);
    va_end(arguments);
    return r < 0 ? conclude(watch, KEYRING_ABSENT) : 0;
}

static int on_locked(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    int locked;

    if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "v", "b", &locked) < 0)
        return conclude(userdata, KEYRING_ABSENT);
    return conclude(userdata, locked ? KEYRING_LOCKED : KEYRING_UNLOCKED);
}

static int on_alias(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct keyring_watch *watch = userdata;
    const char *path;

    if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "o", &path) < 0 ||
        g_str_equal(path, "/"))
        return conclude(watch, KEYRING_ABSENT);
    return ask(watch, watch->owner, path, PROPERTIES, "Get", on_locked, "ss", COLLECTION, "Locked");
}

static int on_activatable(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_auto(GStrv) names = NULL;

    if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read_strv(m, &names) < 0)
        return conclude(userdata, KEYRING_ABSENT);
    return conclude(userdata, names != NULL && g_strv_contains((const char *const *)names, NAME)
                                  ? KEYRING_UNLOCKED
                                  : KEYRING_ABSENT);
}

/* By its unique name it can be asked without being started. */
static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct keyring_watch *watch = userdata;
    const char *owner;

    if (sd_bus_message_is_method_error(m, SD_BUS_ERROR_NAME_HAS_NO_OWNER))
        return ask(watch, BUS, BUS_PATH, BUS, "ListActivatableNames", on_activatable, "");
    if (sd_bus_message_is_method_error(m, NULL) || sd_bus_message_read(m, "s", &owner) < 0)
        return conclude(watch, KEYRING_ABSENT);
    g_free(watch->owner);
    watch->owner = g_strdup(owner);
    return ask(watch, watch->owner, PATH, SERVICE, "ReadAlias", on_alias, "s", "default");
}

static int ask_anew(struct keyring_watch *watch)
{
    sd_event_source_set_enabled(watch->again, SD_EVENT_OFF);
    return ask(watch, BUS, BUS_PATH, BUS, "GetNameOwner", on_owner, "s", NAME);
}

/* What makes it ask */

static int on_news(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return ask_anew(userdata);
}

/* Whether a PropertiesChanged tells of one property: 1, 0 or negative errno. */
static int mentions(sd_bus_message *m, const char *property)
{
    g_auto(GStrv) invalidated = NULL;
    const char *name;
    int r;

    r = sd_bus_message_skip(m, "s");
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        if (sd_bus_message_read(m, "s", &name) >= 0 && g_str_equal(name, property))
            return 1;
        r = sd_bus_message_skip(m, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
        if (r < 0)
            return r;
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r >= 0)
        r = sd_bus_message_read_strv(m, &invalidated);
    if (r < 0)
        return r;
    return invalidated != NULL && g_strv_contains((const char *const *)invalidated, property);
}

/* Every store changes Items. */
static int on_properties(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return mentions(m, "Locked") == 0 ? 0 : ask_anew(userdata);
}

static void disconnect(struct keyring_watch *watch)
{
    watch->question = sd_bus_slot_unref(watch->question);
    watch->bus = sd_bus_close_unref(watch->bus);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    struct keyring_watch *watch = userdata;

    disconnect(watch);
    return conclude(watch, KEYRING_ABSENT);
}

/* gnome-keyring 42 tells of locking twice, by CollectionChanged and by PropertiesChanged with Locked; the
 * specification promises only the former. A deleted collection is told by the Service alone. */
static int add_matches(struct keyring_watch *watch)
{
    static const struct {
        const char *rule;
        sd_bus_message_handler_t handler;
    } matches[] = {
        {"type='signal',sender='" BUS "',path='" BUS_PATH "',interface='" BUS
         "',member='NameOwnerChanged',arg0='" NAME "'",
         on_news},
        {"type='signal',sender='" NAME "',path='" PATH "',interface='" SERVICE "'", on_news},
        {"type='signal',sender='" NAME "',path_namespace='" PATH "',interface='" PROPERTIES
         "',member='PropertiesChanged',arg0='" COLLECTION "'",
         on_properties},
    };
    int r = 0;

    for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(matches); i++)
        r = sd_bus_add_match_async(watch->bus, NULL, matches[i].rule, matches[i].handler, NULL, watch);
    if (r >= 0)
        r = sd_bus_match_signal(watch->bus, NULL, "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                "org.freedesktop.DBus.Local", "Disconnected", on_disconnected, watch);
    return r;
}

/* When the event loop ends nothing is flushed: a bus that hangs must not keep us. */
static int connect_bus(struct keyring_watch *watch)
{
    int r;

    r = sd_bus_open_user(&watch->bus);
    if (r >= 0)
        r = sd_bus_set_close_on_exit(watch->bus, false);
    if (r >= 0)
        r = add_matches(watch);
    if (r >= 0)
        r = sd_bus_attach_event(watch->bus, watch->event, SD_EVENT_PRIORITY_NORMAL);
    return r;
}

static int on_again(sd_event_source *source, uint64_t when, void *userdata)
{
    struct keyring_watch *watch = userdata;

    if (watch->bus == NULL && connect_bus(watch) < 0) {
        disconnect(watch);
        return conclude(watch, KEYRING_ABSENT);
    }
    return ask_anew(watch);
}

/* Nothing is touched after the call: it may free the watch. */
static int on_tell(sd_event_source *source, void *userdata)
{
    struct keyring_watch *watch = userdata;

    if (watch->was_told && watch->state == watch->told)
        return 0;
    watch->told = watch->state;
    watch->was_told = true;
    watch->state_fn(watch->state, watch->userdata);
    return 0;
}

/* The object */

struct keyring_watch *keyring_watch_new(sd_event *event, keyring_state_fn state_fn, void *userdata)
{
    struct keyring_watch *watch = g_new0(struct keyring_watch, 1);

    *watch = (struct keyring_watch){.event = sd_event_ref(event),
                                    .state_fn = state_fn,
                                    .userdata = userdata,
                                    .state = KEYRING_ABSENT,
                                    .told = KEYRING_ABSENT,
                                    .delay = DELAY_MIN};
    if (sd_event_add_defer(event, &watch->tell, on_tell, watch) < 0 ||
        sd_event_source_set_enabled(watch->tell, SD_EVENT_OFF) < 0 ||
        sd_event_add_time(event, &watch->again, CLOCK_MONOTONIC, 0, 0, on_again, watch) < 0)
        return keyring_watch_free(watch);
    return watch;
}

struct keyring_watch *keyring_watch_free(struct keyring_watch *watch)
{
    if (watch == NULL)
        return NULL;
    disconnect(watch);
    sd_event_source_disable_unref(watch->tell);
    sd_event_source_disable_unref(watch->again);
    sd_event_unref(watch->event);
    g_free(watch->owner);
    g_free(watch);
    return NULL;
}

enum keyring_state keyring_watch_state(const struct keyring_watch *watch)
{
    return watch->state;
}

bool keyring_watch_knows(const struct keyring_watch *watch)
{
    return watch->is_known;
}

void keyring_watch_found(struct keyring_watch *watch, enum keyring_state state)
{
    if (state == KEYRING_UNLOCKED) {
        watch->delay = DELAY_MIN;
        if (watch->state != KEYRING_UNLOCKED && watch->bus != NULL)
            ask_anew(watch);
        return;
    }
    conclude(watch, state);
}
