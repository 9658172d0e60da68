/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read, validate, act; the reply follows when the operation answers. */
#include "daemon/bus/manage.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/bus/errors.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/settings.h"
#include "daemon/definitions.h"
#include "daemon/operations/add.h"
#include "daemon/operations/import.h"
#include "daemon/operations/login.h"
#include "daemon/operations/remove.h"
#include "daemon/operations/revoke.h"
#include "daemon/schedule.h"
#include "daemon/util/cleanup.h"

/* An operation without a result has ended. */
static void done(const GError *error, const char *text, void *userdata)
{
    struct pending *pending = userdata;

    if (error != NULL)
        bus_reply_error(pending->call, error);
    else
        sd_bus_reply_method_return(pending->call, "");
    pending_free(pending);
}

static void note(const struct pending *pending, const char *what)
{
    daemon_note(pending->service->daemon, LOG_NOTICE,
                &(struct ledger_event){.time = clock_now(),
                                       .integration = pending->name != NULL ? pending->name : "",
                                       .event = what,
                                       .caller = pending->caller});
}

static void added(const GError *error, const char *text, void *userdata)
{
    struct pending *pending = userdata;
    g_autofree char *path = NULL;

    if (error != NULL) {
        done(error, NULL, pending);
        return;
    }
    note(pending, "added");
    path = integration_path(pending->name);
    sd_bus_reply_method_return(pending->call, "o", path);
    pending_free(pending);
}

void manage_add_integration(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    _cleanup_integration_ struct integration *definition = NULL;
    g_autoptr(GError) error = NULL;
    const char *name;
    bool issue;

    if (sd_bus_message_read(call, "s", &name) < 0) {
        bus_reply_garbled(call);
        return;
    }
    definition = integration_new(name);
    if (!settings_read(call, definition, &issue, &error)) {
        bus_reply_error(call, error);
        return;
    }
    /* In system mode not by root either, see operations/add. */
    if (!service->daemon->system_mode && caller->holder.uid != 0 && integration_has_units(definition)) {
        error = g_error_new(
            KT_ERROR, KT_DENIED,
            "ReloadUnits, RestartUnits and StartUnits let systemd act: write them into the file, or be root");
        bus_reply_error(call, error);
        return;
    }
    add_integration(service->daemon, g_steal_pointer(&definition), issue, added,
                    pending_new(service, call, caller, name));
}

void manage_remove_integration(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    const char *name;
    int revoke;

    if (sd_bus_message_read(call, "sb", &name, &revoke) < 0)
        bus_reply_garbled(call);
    else
        remove_integration(service->daemon, name, revoke, done, pending_new(service, call, caller, name));
}

void manage_open_upload(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    _cleanup_close_ int fd =
        uploads_open(service->uploads, sd_bus_message_get_sender(call), caller->holder.uid);
    g_autoptr(GError) error = NULL;

    if (fd >= 0) {
        sd_bus_reply_method_return(call, "h", fd);
        return;
    }
    if (fd == -EDQUOT || fd == -EBUSY)
        error = g_error_new(KT_ERROR, KT_BUSY, "too many uploads %sare open: end one, or try again in 30 s",
                            fd == -EDQUOT ? "of this user " : "");
    else
        error = g_error_new(KT_ERROR, KT_FAILED, "no socket can be made: %s: try again", g_strerror(-fd));
    bus_reply_error(call, error);
}

static void imported(const GError *error, const char *last4, void *userdata)
{
    struct pending *pending = userdata;

    if (error != NULL) {
        done(error, NULL, pending);
        return;
    }
    sd_bus_reply_method_return(pending->call, "s", last4);
    pending_free(pending);
}

void manage_import_key(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    _cleanup_secret_ struct secret *secret =
        uploads_take(service->uploads, sd_bus_message_get_sender(call), caller->holder.pid);
    g_autoptr(GError) error = NULL;
    const char *name, *id;
    usec_t created_at;

    if (sd_bus_message_read(call, "s", &name) < 0)
        bus_reply_garbled(call);
    else if (!details_read(call, &id, &created_at, &error))
        bus_reply_error(call, error);
    else
        import_key(service->daemon, name, g_steal_pointer(&secret), id, created_at, imported,
                   pending_new(service, call, caller, name));
}

static bool read_environment(sd_bus_message *call, enum environment *ret)
{
    g_autoptr(GError) error = NULL;
    const char *name;

    if (sd_bus_message_read(call, "s", &name) < 0) {
        bus_reply_garbled(call);
        return false;
    }
    if (environment_parse(name, ret) == 0)
        return true;
    error = g_error_new(KT_ERROR, KT_INVALID, "there is no environment %s: use live or test", name);
    bus_reply_error(call, error);
    return false;
}

void manage_set_management_key(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    _cleanup_secret_ struct secret *secret =
        uploads_take(service->uploads, sd_bus_message_get_sender(call), caller->holder.pid);
    g_autoptr(GError) error = NULL;
    enum environment environment;
    const char *id;

    if (!read_environment(call, &environment))
        return;
    if (!details_read(call, &id, NULL, &error))
        bus_reply_error(call, error);
    else
        login(service->daemon, environment, g_steal_pointer(&secret), id, done,
              pending_new(service, call, caller, NULL));
}

void manage_forget_management_key(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    enum environment environment;

    if (read_environment(call, &environment))
        logout(service->daemon, environment, done, pending_new(service, call, caller, NULL));
}

void manage_revoke(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    const char *name;
    int force;

    if (sd_bus_message_read(call, "sb", &name, &force) < 0)
        bus_reply_garbled(call);
    else
        revoke_key(service->daemon, name, force, done, pending_new(service, call, caller, name));
}

void manage_reload(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    g_autoptr(GError) error = NULL;

    if (definitions_load(service->daemon, true, &error))
        sd_bus_reply_method_return(call, "");
    else
        bus_reply_error(call, error);
    schedule_look_again(service->daemon);
}
