/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Connects, and turns news into signals. */
#include "daemon/bus/service.h"

#include <errno.h>

#include "daemon/bus/authority.h"
#include "daemon/bus/bus.h"
#include "daemon/bus/hooks.h"
#include "daemon/bus/intake.h"
#include "daemon/bus/managed-objects.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/pulse.h"
#include "daemon/bus/settling.h"
#include "daemon/io/journal.h"
#include "dbus/names.h"

/* Fetches that wait for the keyring, say. The bus has a limit a connection, and many connections. */
#define FETCHES_EACH 256
#define FETCHES_ALL 4096

static int disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct service *service = userdata;

    journal_send(LOG_ERR, NULL, (const char *[]){NULL},
                 "the bus is gone: ending, to be started again with it");
    return sd_event_exit(service->daemon->event, -ECONNRESET);
}

static int connect_and_export(struct service *service)
{
    struct daemon *daemon = service->daemon;
    int r = daemon->system_mode ? sd_bus_open_system(&service->bus) : sd_bus_open_user(&service->bus);

    if (r >= 0)
        r = sd_bus_attach_event(service->bus, daemon->event, SD_EVENT_PRIORITY_NORMAL);
    if (r >= 0)
        r = sd_bus_match_signal_async(service->bus, NULL, "org.freedesktop.DBus.Local",
                                      "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                      "Disconnected", disconnected, NULL, service);
    if (r < 0)
        return r;
    r = callers_new(daemon->event, service->bus, daemon->system_mode, &service->callers);
    if (r < 0)
        return r;
    service->authority = authority_new(service);
    service->fetches = quota_new(FETCHES_EACH, FETCHES_ALL);
    service->uploads = uploads_new(daemon->event, service->bus);
    service->hooks = hooks_new(daemon, service->bus);
    service->settling = settling_new(service);
    service->managed_objects = managed_objects_new(service);
    service->openings = openings_new(daemon->event);
    service->pulse = pulse_new(service);
    if (service->pulse == NULL)
        return -EIO;
    /* The last filter is asked first. */
    if (daemon->system_mode && (service->intake = intake_new(service)) == NULL)
        return -EIO;
    if (service->authority == NULL || service->uploads == NULL || service->hooks == NULL ||
        service->settling == NULL || service->managed_objects == NULL)
        return -EIO;
    r = manager_object_add(service);
    if (r >= 0)
        r = integration_objects_add(service);
    return r;
}

int service_own_name(struct service *service)
{
    return sd_bus_request_name(service->bus, KT_BUS_NAME, 0);
}

int service_new(struct daemon *daemon, struct service **ret)
{
    struct service *service = g_new0(struct service, 1);
    int r;

    service->daemon = daemon;
    daemon->news_userdata = service;
    r = connect_and_export(service);
    if (r < 0) {
        service_free(service);
        return r;
    }
    *ret = service;
    return 0;
}

struct service *service_free(struct service *service)
{
    if (service == NULL)
        return NULL;
    intake_free(service->intake);
    managed_objects_free(service->managed_objects);
    openings_free(service->openings);
    pulse_free(service->pulse);
    settling_free(service->settling);
    hooks_free(service->hooks);
    uploads_free(service->uploads);
    authority_free(service->authority);
    callers_free(service->callers);
    quota_free(service->fetches);
    if (service->is_mute)
        sd_bus_close_unref(service->bus);
    else
        sd_bus_flush_close_unref(service->bus);
    g_free(service);
    return NULL;
}

static void news_added(struct entry *entry, void *userdata)
{
    integration_emit_added(userdata, entry->definition->name);
}

static void news_removed(const char *name, void *userdata)
{
    struct service *service = userdata;

    hooks_forget(service->hooks, name);
    integration_emit_removed(service, name);
}

static void news_changed(struct entry *entry, void *userdata)
{
    if (!entry_is_management(entry))
        integration_emit_changed(userdata, entry);
}

static void news_fetched(struct entry *entry, void *userdata)
{
    integration_emit_fetched(userdata, entry);
}

static void emit(struct service *service, const char *signal, const char *name, uint64_t number)
{
    sd_bus_emit_signal(service->bus, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, signal, "st", name, number);
}

static void news_key_changed(struct entry *entry, uint64_t generation, void *userdata)
{
    struct service *service = userdata;

    if (entry_is_management(entry)) {
        entry->hooks_ran = true;
        return;
    }
    emit(service, "KeyChanged", entry->definition->name, generation);
    hooks_run(service->hooks, entry);
}

static void news_rotation_due(struct entry *entry, usec_t due_at, void *userdata)
{
    emit(userdata, "RotationDue", entry->definition->name, due_at);
}

static void news_attention(const char *name, const char *reason, void *userdata)
{
    struct service *service = userdata;

    sd_bus_emit_signal(service->bus, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "AttentionNeeded", "ss", name,
                       reason);
}

static void news_keyring_changed(void *userdata)
{
    struct service *service = userdata;

    settling_look(service->settling);
    sd_bus_emit_properties_changed(service->bus, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "KeyringState", NULL);
}

static void news_keyring_read(void *userdata)
{
    struct service *service = userdata;

    settling_look(service->settling);
}

static void news_next_rotation_changed(void *userdata)
{
    struct service *service = userdata;

    sd_bus_emit_properties_changed(service->bus, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, "NextRotationAt",
                                   NULL);
}

const struct news *service_news(void)
{
    static const struct news news = {
        .added = news_added,
        .removed = news_removed,
        .changed = news_changed,
        .fetched = news_fetched,
        .key_changed = news_key_changed,
        .rotation_due = news_rotation_due,
        .attention = news_attention,
        .keyring_changed = news_keyring_changed,
        .keyring_read = news_keyring_read,
        .next_rotation_changed = news_next_rotation_changed,
    };

    return &news;
}
