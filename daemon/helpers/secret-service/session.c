/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conversation with the Secret Service. Touches the session bus and nothing else. */
#include "daemon/helpers/secret-service/session.h"

#include <errno.h>

#include "dbus/names.h"

#define SERVICE_NAME "org.freedesktop.secrets"
#define COLLECTION_INTERFACE "org.freedesktop.Secret.Collection"
#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

struct KtSession {
    GDBusConnection *bus;
    SecretService *service;
    char *owner; /* unique name of the service that the session was opened with */
    char *collection;
};

typedef SecretService KtSilentService;
typedef SecretServiceClass KtSilentServiceClass;

G_DEFINE_TYPE(KtSilentService, kt_silent_service, SECRET_TYPE_SERVICE)

static GError *prompt_refused(void)
{
    return g_error_new_literal(SECRET_ERROR, SECRET_ERROR_IS_LOCKED, "The keyring wants to ask its user");
}

static GVariant *refuse_prompt(SecretService *service, SecretPrompt *prompt, GCancellable *cancellable,
                               const GVariantType *return_type, GError **error)
{
    g_propagate_error(error, prompt_refused());
    return NULL;
}

static void refuse_prompt_async(SecretService *service, SecretPrompt *prompt, const GVariantType *return_type,
                                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer userdata)
{
    g_task_report_error(service, callback, userdata, refuse_prompt_async, prompt_refused());
}

static GVariant *refuse_prompt_finish(SecretService *service, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void kt_silent_service_class_init(KtSilentServiceClass *class)
{
    class->prompt_sync = refuse_prompt;
    class->prompt_async = refuse_prompt_async;
    class->prompt_finish = refuse_prompt_finish;
}

static void kt_silent_service_init(KtSilentService *service)
{
}

KtSession *kt_session_new(void)
{
    return g_new0(KtSession, 1);
}

void kt_session_close(KtSession *session)
{
    g_clear_object(&session->service);
    g_clear_object(&session->bus);
    g_clear_pointer(&session->owner, g_free);
    g_clear_pointer(&session->collection, g_free);
}

void kt_session_free(KtSession *session)
{
    kt_session_close(session);
    g_free(session);
}

SecretService *kt_session_service(KtSession *session)
{
    return session->service;
}

const char *kt_session_collection(KtSession *session)
{
    return session->collection;
}

static bool means_absent(const GError *cause)
{
    static const int codes[] = {
        G_DBUS_ERROR_SERVICE_UNKNOWN,    G_DBUS_ERROR_NAME_HAS_NO_OWNER,
        G_DBUS_ERROR_NO_REPLY,           G_DBUS_ERROR_DISCONNECTED,
        G_DBUS_ERROR_SPAWN_EXEC_FAILED,  G_DBUS_ERROR_SPAWN_FORK_FAILED,
        G_DBUS_ERROR_SPAWN_CHILD_EXITED, G_DBUS_ERROR_SPAWN_CHILD_SIGNALED,
        G_DBUS_ERROR_SPAWN_FAILED,       G_DBUS_ERROR_SPAWN_SERVICE_NOT_FOUND,
    };

    if (g_error_matches(cause, G_IO_ERROR, G_IO_ERROR_CLOSED))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_error_matches(cause, G_DBUS_ERROR, codes[i]))
            return true;
    return false;
}

int kt_session_error(sd_bus_error *ret_error, const char *what, const GError *cause)
{
    g_autoptr(GError) words = g_error_copy(cause);

    g_dbus_error_strip_remote_error(words);
    if (g_error_matches(cause, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
        return sd_bus_error_setf(ret_error, KT_ERROR_KEYRING_LOCKED, "%s: %s: unlock the keyring", what,
                                 words->message);
    if (means_absent(cause))
        return sd_bus_error_setf(ret_error, KT_ERROR_KEYRING_ABSENT, "%s: %s: start the Secret Service", what,
                                 words->message);
    return sd_bus_error_setf(ret_error, KT_ERROR_FAILED, "%s: %s", what, words->message);
}

GVariant *kt_session_call(KtSession *session, const char *path, const char *interface, const char *method,
                          GVariant *arguments, GError **error)
{
    return g_dbus_connection_call_sync(session->bus, SERVICE_NAME, path, interface, method, arguments, NULL,
                                       G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, error);
}

GVariant *kt_session_get(KtSession *session, const char *path, const char *interface, const char *property,
                         GError **error)
{
    g_autoptr(GVariant) reply = NULL, value = NULL;

    reply = kt_session_call(session, path, "org.freedesktop.DBus.Properties", "Get",
                            g_variant_new("(ss)", interface, property), error);
    if (!reply)
        return NULL;
    if (!g_variant_is_of_type(reply, G_VARIANT_TYPE("(v)"))) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s is of a wrong type", property);
        return NULL;
    }
    g_variant_get(reply, "(v)", &value);
    return g_steal_pointer(&value);
}

static GVariant *ask_bus(KtSession *session, const char *method, GVariant *arguments, const char *reply_type,
                         GError **error)
{
    return g_dbus_connection_call_sync(session->bus, BUS_NAME, BUS_PATH, BUS_NAME, method, arguments,
                                       G_VARIANT_TYPE(reply_type), G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);
}

static char *current_owner(KtSession *session)
{
    g_autoptr(GVariant) reply = NULL;
    char *owner = NULL;

    reply = ask_bus(session, "GetNameOwner", g_variant_new("(s)", SERVICE_NAME), "(s)", NULL);
    if (reply)
        g_variant_get(reply, "(s)", &owner);
    return owner;
}

static int connect_bus(KtSession *session, sd_bus_error *ret_error)
{
    g_autoptr(GError) cause = NULL;

    if (session->bus && g_dbus_connection_is_closed(session->bus))
        kt_session_close(session);
    if (session->bus)
        return 0;
    session->bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, &cause);
    if (!session->bus)
        return sd_bus_error_setf(ret_error, KT_ERROR_KEYRING_ABSENT, "No bus to reach a keyring on: %s",
                                 cause->message);
    g_dbus_connection_set_exit_on_close(session->bus, FALSE);
    return 0;
}

static int open_service(KtSession *session, sd_bus_error *ret_error)
{
    g_autoptr(SecretService) service = NULL;
    g_autoptr(GError) cause = NULL;

    if (session->service)
        return 0;
    service = secret_service_open_sync(kt_silent_service_get_type(), SERVICE_NAME,
                                       SECRET_SERVICE_OPEN_SESSION, NULL, &cause);
    if (!service)
        return kt_session_error(ret_error, "The keyring can't be reached", cause);
    if (g_strcmp0(secret_service_get_session_algorithms(service), "plain") == 0)
        return sd_bus_error_set(
            ret_error, KT_ERROR_FAILED,
            "The Secret Service offers no encrypted session, only a plain one: use another");
    session->owner = current_owner(session);
    session->service = g_steal_pointer(&service);
    return 0;
}

static int find_collection(KtSession *session, sd_bus_error *ret_error)
{
    g_autoptr(GError) cause = NULL;

    g_clear_pointer(&session->collection, g_free);
    session->collection =
        secret_service_read_alias_dbus_path_sync(session->service, SECRET_COLLECTION_DEFAULT, NULL, &cause);
    if (cause)
        return kt_session_error(ret_error, "The default keyring can't be found", cause);
    if (!session->collection)
        return sd_bus_error_set(ret_error, KT_ERROR_KEYRING_ABSENT,
                                "The Secret Service has no default keyring: create one");
    return 0;
}

int kt_session_unlocked(KtSession *session, sd_bus_error *ret_error)
{
    g_autoptr(GVariant) locked = NULL;
    g_autoptr(GError) cause = NULL;

    locked = kt_session_get(session, session->collection, COLLECTION_INTERFACE, "Locked", &cause);
    if (!locked)
        return kt_session_error(ret_error, "Whether the keyring is locked can't be told", cause);
    if (!g_variant_is_of_type(locked, G_VARIANT_TYPE_BOOLEAN))
        return sd_bus_error_set(ret_error, KT_ERROR_FAILED, "The Secret Service's Locked is no boolean");
    if (g_variant_get_boolean(locked))
        return sd_bus_error_set(ret_error, KT_ERROR_KEYRING_LOCKED, "The keyring is locked: unlock it");
    return 0;
}

int kt_session_ready(KtSession *session, sd_bus_error *ret_error)
{
    int r;

    r = connect_bus(session, ret_error);
    if (r >= 0)
        r = open_service(session, ret_error);
    if (r >= 0)
        r = find_collection(session, ret_error);
    if (r >= 0)
        r = kt_session_unlocked(session, ret_error);
    return r;
}

int kt_session_is_dormant(KtSession *session, bool *ret, sd_bus_error *ret_error)
{
    g_autofree char *owner = NULL;
    g_autoptr(GVariant) reply = NULL;
    g_autofree const char **names = NULL;
    g_autoptr(GError) cause = NULL;
    int r;

    r = connect_bus(session, ret_error);
    if (r < 0)
        return r;
    reply = ask_bus(session, "ListActivatableNames", NULL, "(as)", &cause);
    if (!reply)
        return kt_session_error(ret_error, "The bus does not say whether it knows a keyring", cause);
    g_variant_get(reply, "(^a&s)", &names);
    owner = current_owner(session);
    *ret = !owner && g_strv_contains(names, SERVICE_NAME);
    return 0;
}

bool kt_session_is_stale(KtSession *session)
{
    g_autofree char *owner = NULL;

    if (!session->bus)
        return false;
    if (g_dbus_connection_is_closed(session->bus))
        return true;
    if (!session->service)
        return false;
    owner = current_owner(session);
    return g_strcmp0(owner, session->owner) != 0;
}
