/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job a unit, by systemd's own bus interface; JobRemoved tells how it ended. */
#include "daemon/bus/hooks.h"

#include <string.h>

#include "daemon/schedule.h"
#include "daemon/util/text.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"

#define JOB_MAX (15 * USEC_PER_MINUTE)

struct hook {
    struct hooks *hooks;
    char *integration;
    char *unit;
    char *job; /* its path once systemd has taken it */
    sd_bus_slot *question;
    sd_event_source *end;
    char *systemd; /* who took it: only its signals count, since anybody may send one */
};

struct hooks {
    struct daemon *daemon;
    sd_bus *bus;
    GPtrArray *running; /* struct hook */
    sd_bus_slot *removed;
    bool subscribed;
    char *systemd; /* who answered last */
};

static void hook_free(void *data)
{
    struct hook *hook = data;

    g_free(hook->integration);
    g_free(hook->unit);
    sd_bus_slot_unref(hook->question);
    sd_event_source_disable_unref(hook->end);
    g_free(hook->job);
    g_free(hook->systemd);
    g_free(hook);
}

static bool is_running(const struct hooks *hooks, const char *integration)
{
    for (guint i = 0; i < hooks->running->len; i++)
        if (g_strcmp0(((const struct hook *)hooks->running->pdata[i])->integration, integration) == 0)
            return true;
    return false;
}

static void finish(struct hook *hook, const char *failure)
{
    struct hooks *hooks = hook->hooks;
    struct daemon *daemon = hooks->daemon;
    struct entry *entry = registry_find(daemon->registry, hook->integration);
    g_autofree char *name = g_strdup(hook->integration);
    g_autofree char *unit = g_strdup(hook->unit);
    g_autofree char *words = text_line(failure, NULL);
    g_autofree char *text = failure == NULL
                                ? NULL
                                : g_strdup_printf("%s did not take the new key: %s: see systemctl status %s",
                                                  hook->unit, words, hook->unit);

    g_ptr_array_remove(hooks->running, hook);
    if (entry == NULL)
        return;
    if (text != NULL) {
        entry->hooks_failed = true;
        daemon_unit_trouble(daemon, entry, unit, text);
    }
    if (is_running(hooks, name))
        return;
    entry->hooks_ran = !entry->hooks_failed;
    rotator_wake_integration(daemon->rotator, name);
    schedule_look_again(daemon);
}

static struct hook *find_hook(const struct hooks *hooks, const char *job, const char *systemd)
{
    for (guint i = 0; i < hooks->running->len; i++) {
        struct hook *hook = hooks->running->pdata[i];

        if (g_strcmp0(hook->job, job) == 0 && g_strcmp0(hook->systemd, systemd) == 0)
            return hook;
    }
    return NULL;
}

struct come_back {
    struct daemon *daemon;
    const char *unit;
};

static void look_at_unit(struct entry *entry, void *userdata)
{
    const struct come_back *back = userdata;

    if (g_strcmp0(entry->troubled_unit, back->unit) == 0)
        daemon_unit_trouble(back->daemon, entry, NULL, NULL);
}

/* A person's job, after whatever was wrong with the unit. */
static void ended_well(struct hooks *hooks, const char *unit)
{
    registry_each(hooks->daemon->registry, false, look_at_unit, &(struct come_back){hooks->daemon, unit});
}

/* systemd makes one job of several for the same unit. */
static int job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct hooks *hooks = userdata;
    const char *job, *unit, *result, *sender = sd_bus_message_get_sender(signal);
    struct hook *hook;
    bool well, ours = false;
    uint32_t id;

    if (sd_bus_message_read(signal, "uoss", &id, &job, &unit, &result) < 0)
        return 0;
    well = strcmp(result, "done") == 0;
    for (; (hook = find_hook(hooks, job, sender)) != NULL; ours = true)
        finish(hook, well ? NULL : result);
    if (!ours && well && g_strcmp0(sender, hooks->systemd) == 0)
        ended_well(hooks, unit);
    return 0;
}

/* systemd was restarted in between, say, and its signal lost. */
static int on_end(sd_event_source *source, uint64_t when, void *userdata)
{
    finish(userdata, "systemd did not say how it ended");
    return 0;
}

static int job_taken(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
    struct hook *hook = userdata;
    const char *job;

    g_free(hook->hooks->systemd);
    hook->hooks->systemd = g_strdup(sd_bus_message_get_sender(reply));
    if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_ACCESS_DENIED))
        finish(hook, "polkit does not let keyturnd act on it, see keyturnd(8)");
    else if (sd_bus_message_is_method_error(reply, NULL))
        finish(hook, sd_bus_message_get_error(reply)->message);
    else if (sd_bus_message_read(reply, "o", &job) < 0)
        finish(hook, "systemd's answer makes no sense");
    else {
        hook->job = g_strdup(job);
        hook->systemd = g_strdup(sd_bus_message_get_sender(reply));
    }
    return 0;
}

static void ask(struct hooks *hooks, struct entry *entry, const char *method, char *const *units)
{
    for (; units != NULL && *units != NULL; units++) {
        struct hook *hook = g_new0(struct hook, 1);

        *hook = (struct hook){
            .hooks = hooks, .integration = g_strdup(entry->definition->name), .unit = g_strdup(*units)};
        g_ptr_array_add(hooks->running, hook);
        if (sd_event_add_time_relative(hooks->daemon->event, &hook->end, CLOCK_BOOTTIME, JOB_MAX,
                                       USEC_PER_SEC, on_end, hook) < 0 ||
            sd_bus_call_method_async(hooks->bus, &hook->question, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                     method, job_taken, hook, "ss", *units, "replace") < 0)
            finish(hook, "systemd can't be asked");
    }
}

/* Signals of jobs come to subscribers alone. No harm where there is no systemd: nothing else is asked of it
 * then. */
static void subscribe(struct hooks *hooks)
{
    if (hooks->subscribed)
        return;
    hooks->subscribed = true;
    sd_bus_call_method_async(hooks->bus, NULL, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "Subscribe", NULL,
                             NULL, "");
}

void hooks_run(struct hooks *hooks, struct entry *entry)
{
    const struct integration *definition = entry->definition;
    bool none = g_strv_length(definition->reload_units) + g_strv_length(definition->restart_units) +
                    g_strv_length(definition->start_units) ==
                0;

    daemon_unit_trouble(hooks->daemon, entry, NULL, NULL);
    entry->hooks_failed = false;
    entry->hooks_ran = none;
    if (none)
        return;
    subscribe(hooks);
    /* A unit that somebody has stopped stays stopped. */
    ask(hooks, entry, "ReloadOrTryRestartUnit", definition->reload_units);
    ask(hooks, entry, "TryRestartUnit", definition->restart_units);
    ask(hooks, entry, "StartUnit", definition->start_units);
}

void hooks_forget(struct hooks *hooks, const char *integration)
{
    for (guint i = hooks->running->len; i-- > 0;)
        if (g_strcmp0(((const struct hook *)hooks->running->pdata[i])->integration, integration) == 0)
            g_ptr_array_remove_index(hooks->running, i);
}

struct hooks *hooks_new(struct daemon *daemon, sd_bus *bus)
{
    struct hooks *hooks = g_new0(struct hooks, 1);

    *hooks =
        (struct hooks){.daemon = daemon, .bus = bus, .running = g_ptr_array_new_with_free_func(hook_free)};
    if (sd_bus_add_match_async(bus, &hooks->removed,
                               "type='signal',sender='" SYSTEMD "',path='" SYSTEMD_PATH
                               "',interface='" SYSTEMD_MANAGER "',member='JobRemoved'",
                               job_removed, NULL, hooks) < 0)
        return hooks_free(hooks);
    return hooks;
}

struct hooks *hooks_free(struct hooks *hooks)
{
    if (hooks == NULL)
        return NULL;
    sd_bus_slot_unref(hooks->removed);
    g_ptr_array_unref(hooks->running);
    g_free(hooks->systemd);
    g_free(hooks);
    return NULL;
}
