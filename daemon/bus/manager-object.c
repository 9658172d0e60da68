/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.keyturn1.Manager: who may call what, and the vtable that dbus/org.keyturn1.Manager.xml promises. */
#include <string.h>

#include "config.h"
#include "daemon/bus/explain.h"
#include "daemon/bus/fetch.h"
#include "daemon/bus/manage.h"
#include "daemon/bus/objects.h"
#include "daemon/bus/read.h"
#include "daemon/bus/settling.h"
#include "daemon/schedule.h"
#include "dbus/names.h"

/* Methods of who may manage. */
static const struct {
    const char *member;
    authority_act act;
    bool needs_keyring; /* and waits until it is known, right after a start */
} managed[] = {
    {"AddIntegration", manage_add_integration, true},
    {"RemoveIntegration", manage_remove_integration, true},
    {"OpenUpload", manage_open_upload},
    {"ImportKey", manage_import_key, true},
    {"SetManagementKey", manage_set_management_key, true},
    {"ForgetManagementKey", manage_forget_management_key, true},
    {"Rotate", manage_rotate, true},
    {"Resume", manage_resume},
    {"Rollback", manage_rollback},
    {"ConfirmDeleted", manage_confirm_deleted},
    {"Revoke", manage_revoke, true},
    {"Explain", explain},
    {"GetHistory", read_get_history},
    {"GetHolders", read_get_holders},
    {"GetLastFetches", read_get_last_fetches},
    {"Reload", manage_reload},
};

static void act_on_managed(struct service *service, sd_bus_message *call, const struct caller *caller)
{
    const char *member = sd_bus_message_get_member(call);

    for (size_t i = 0; i < G_N_ELEMENTS(managed); i++)
        if (strcmp(managed[i].member, member) != 0)
            continue;
        else if (managed[i].needs_keyring)
            settling_wait(service->settling, call, caller, managed[i].act);
        else
            managed[i].act(service, call, caller);
}

static int method_managed(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
    authority_check(userdata, call, act_on_managed);
    return 1;
}

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property,
                       sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    return sd_bus_message_append(reply, "s", KT_VERSION);
}

static int get_mode(sd_bus *bus, const char *path, const char *interface, const char *property,
                    sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const struct service *service = userdata;

    return sd_bus_message_append(reply, "s", service->daemon->system_mode ? "system" : "user");
}

static int get_keyring_state(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const struct service *service = userdata;

    return sd_bus_message_append(reply, "s", keyring_state_name(keyring_get_state(service->daemon->keyring)));
}

static int get_next_rotation_at(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    const struct service *service = userdata;

    return sd_bus_message_append(reply, "t", schedule_next_rotation(service->daemon->schedule));
}

#define OPEN SD_BUS_VTABLE_UNPRIVILEGED
#define SECRET (SD_BUS_VTABLE_UNPRIVILEGED | SD_BUS_VTABLE_SENSITIVE)

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("GetKey", SD_BUS_ARGS("s", integration), SD_BUS_RESULT("s", key), fetch_get_key,
                            SECRET),
    SD_BUS_METHOD_WITH_ARGS("GetKeyToFd", SD_BUS_ARGS("s", integration, "h", write_end),
                            SD_BUS_RESULT("t", generation), fetch_get_key_to_fd, OPEN),
    SD_BUS_METHOD_WITH_ARGS("OpenKey", SD_BUS_ARGS("s", integration),
                            SD_BUS_RESULT("h", read_end, "t", generation), fetch_open_key, OPEN),
    SD_BUS_METHOD_WITH_ARGS("GetIntegration", SD_BUS_ARGS("s", integration), SD_BUS_RESULT("o", path),
                            read_get_integration, OPEN),
    SD_BUS_METHOD_WITH_ARGS("GetSettings", SD_BUS_ARGS("s", name), SD_BUS_RESULT("a{sv}", settings),
                            read_get_settings, OPEN),
    SD_BUS_METHOD_WITH_ARGS("AddIntegration", SD_BUS_ARGS("s", name, "a{sv}", settings),
                            SD_BUS_RESULT("o", path), method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("RemoveIntegration", SD_BUS_ARGS("s", name, "b", revoke), SD_BUS_NO_RESULT,
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("OpenUpload", SD_BUS_NO_ARGS, SD_BUS_RESULT("h", write_end), method_managed,
                            OPEN),
    SD_BUS_METHOD_WITH_ARGS("ImportKey", SD_BUS_ARGS("s", name, "a{sv}", details), SD_BUS_RESULT("s", last4),
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("SetManagementKey", SD_BUS_ARGS("s", environment, "a{sv}", details),
                            SD_BUS_NO_RESULT, method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("ForgetManagementKey", SD_BUS_ARGS("s", environment), SD_BUS_NO_RESULT,
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("Rotate", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_RESULT("s", rotation),
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("Rollback", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("ConfirmDeleted", SD_BUS_ARGS("s", name), SD_BUS_NO_RESULT, method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("Revoke", SD_BUS_ARGS("s", name, "b", force), SD_BUS_NO_RESULT, method_managed,
                            OPEN),
    SD_BUS_METHOD_WITH_ARGS("Acknowledge", SD_BUS_ARGS("s", name, "t", generation), SD_BUS_NO_RESULT,
                            fetch_acknowledge, OPEN),
    SD_BUS_METHOD_WITH_ARGS("ReportRejected", SD_BUS_ARGS("s", name, "t", generation), SD_BUS_NO_RESULT,
                            fetch_report_rejected, OPEN),
    SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("s", name, "s", subject),
                            SD_BUS_RESULT("b", allowed, "s", rule, "s", evidence, "s", strength),
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("GetHistory", SD_BUS_ARGS("s", name, "t", since),
                            SD_BUS_RESULT("aa{sv}", entries), method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("GetHolders", SD_BUS_ARGS("s", name), SD_BUS_RESULT("aa{sv}", holders),
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("GetLastFetches", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{s(ts)}", fetches),
                            method_managed, OPEN),
    SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_managed, OPEN),
    SD_BUS_SIGNAL_WITH_ARGS("KeyChanged", SD_BUS_ARGS("s", name, "t", generation), 0),
    SD_BUS_SIGNAL_WITH_ARGS("RotationDue", SD_BUS_ARGS("s", name, "t", due_at), 0),
    SD_BUS_SIGNAL_WITH_ARGS("AttentionNeeded", SD_BUS_ARGS("s", name, "s", reason), 0),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Mode", "s", get_mode, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("KeyringState", "s", get_keyring_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("NextRotationAt", "t", get_next_rotation_at, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
};

int manager_object_add(struct service *service)
{
    return sd_bus_add_object_vtable(service->bus, NULL, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, vtable,
                                    service);
}
