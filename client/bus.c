/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calls to keyturnd, and what it answers about integrations. */
#include "client/bus.h"

#include "client/dict.h"
#include "client/lib/cleanup.h"
#include "client/lib/failure.h"
#include "client/lib/keyturn.h"
#include "client/when.h"
#include "daemon/util/text.h"
#include "dbus/names.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_USEC (180 * G_USEC_PER_SEC)
#define PATIENCE_USEC (2 * G_USEC_PER_SEC)

int bus_open(struct client *client, GError **error)
{
    struct keyturn_error why;

    if (client->bus)
        return 0;
    if (failure_open_bus(client->system, &client->bus, &why) < 0)
        return client_fail(error, "%s", why.message);
    sd_bus_set_allow_interactive_authorization(client->bus, client->system);
    return 0;
}

int bus_bad_reply(int r, GError **error)
{
    return client_fail(error,
                       "the answer of keyturnd makes no sense (%s): are keyturn and keyturnd of one version?",
                       g_strerror(-r));
}

int bus_read_text(sd_bus_message *reply, char **ret_text)
{
    const char *text;
    int r = sd_bus_message_read(reply, "s", &text);

    if (r < 0)
        return r;
    *ret_text = text_printable(text, TEXT_MESSAGE_MAX);
    return 0;
}

static int new_call(struct client *client, const char *path, const char *interface, const char *method,
                    sd_bus_message **ret_call, GError **error)
{
    int r;

    if (bus_open(client, error) < 0)
        return -1;
    r = sd_bus_message_new_method_call(client->bus, ret_call, KT_BUS_NAME, path, interface, method);
    return r < 0 ? client_fail(error, "no call can be made: %s", g_strerror(-r)) : 0;
}

int bus_new_call(struct client *client, const char *method, sd_bus_message **ret_call, GError **error)
{
    return new_call(client, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, method, ret_call, error);
}

static enum client_error kind_of(const char *name)
{
    if (strcmp(name, KT_ERROR_ACCESS_DENIED) == 0)
        return CLIENT_DENIED;
    if (strcmp(name, KT_ERROR_NO_SUCH_INTEGRATION) == 0)
        return CLIENT_ABSENT;
    if (!*name || strcmp(name, SD_BUS_ERROR_NO_REPLY) == 0 || strcmp(name, SD_BUS_ERROR_TIMEOUT) == 0 ||
        strcmp(name, SD_BUS_ERROR_DISCONNECTED) == 0)
        return CLIENT_UNSURE;
    return CLIENT_FAILED;
}

static int fail(struct client *client, int r, const sd_bus_error *bus_error, GError **error)
{
    g_autofree char *message = NULL;
    struct keyturn_error why;

    failure_of_call(client->system, r, bus_error, &why);
    message = text_printable(why.message, TEXT_MESSAGE_MAX);
    g_set_error_literal(error, CLIENT_ERROR, kind_of(why.name), message);
    return -1;
}

int bus_send(struct client *client, sd_bus_message *call, sd_bus_message **ret_reply, GError **error)
{
    _cleanup_bus_error_ sd_bus_error bus_error = SD_BUS_ERROR_NULL;
    int r = sd_bus_call(client->bus, call, TIMEOUT_USEC, &bus_error, ret_reply);

    return r < 0 ? fail(client, r, &bus_error, error) : 0;
}

static int keep_reply(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
    *(sd_bus_message **)userdata = sd_bus_message_ref(m);
    return 0;
}

/* Returns 0 once *reply is there, which its time-out makes sure of, or a negative errno. */
static int wait_for_reply(struct client *client, sd_bus_message **reply, const char *waiting)
{
    guint64 patience = isatty(STDERR_FILENO) ? when_now() + PATIENCE_USEC : G_MAXUINT64;
    int r;

    while (!*reply) {
        r = sd_bus_process(client->bus, NULL);
        if (r == 0 && when_now() >= patience) {
            fprintf(stderr, "%s\n", waiting);
            patience = G_MAXUINT64;
        }
        if (r == 0)
            r = sd_bus_wait(client->bus, patience == G_MAXUINT64 ? patience : PATIENCE_USEC);
        if (r < 0 && r != -EINTR)
            return r;
    }
    return 0;
}

int bus_send_waiting(struct client *client, sd_bus_message *call, const char *waiting, GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    _cleanup_slot_ sd_bus_slot *slot = NULL;
    int r = sd_bus_call_async(client->bus, &slot, call, keep_reply, &reply, TIMEOUT_USEC);

    if (r >= 0)
        r = wait_for_reply(client, &reply, waiting);
    if (r < 0)
        return fail(client, r, NULL, error);
    if (sd_bus_message_is_method_error(reply, NULL))
        return fail(client, -sd_bus_message_get_errno(reply), sd_bus_message_get_error(reply), error);
    return 0;
}

int bus_call(struct client *client, const char *method, sd_bus_message **ret_reply, GError **error,
             const char *types, ...)
{
    _cleanup_message_ sd_bus_message *call = NULL;
    va_list args;
    int r;

    if (bus_new_call(client, method, &call, error) < 0)
        return -1;
    va_start(args, types);
    r = sd_bus_message_appendv(call, types, args);
    va_end(args);
    /* The one thing that a caller can get wrong here is text that is not UTF-8. */
    if (r < 0)
        return client_fail(error, "this can't be sent over the bus (%s): use plain UTF-8", g_strerror(-r));
    return bus_send(client, call, ret_reply, error);
}

static int get_all(struct client *client, const char *path, const char *interface,
                   json_object **ret_properties, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
    int r;

    if (new_call(client, path, "org.freedesktop.DBus.Properties", "GetAll", &call, error) < 0)
        return -1;
    r = sd_bus_message_append(call, "s", interface);
    if (r < 0)
        return bus_bad_reply(r, error);
    if (bus_send(client, call, &reply, error) < 0)
        return -1;
    r = dict_read(reply, ret_properties);
    return r < 0 ? bus_bad_reply(r, error) : 0;
}

int bus_get_manager(struct client *client, json_object **ret_properties, GError **error)
{
    return get_all(client, KT_OBJECT_PATH, KT_MANAGER_INTERFACE, ret_properties, error);
}

int bus_get_integration(struct client *client, const char *name, json_object **ret_properties, GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    g_autoptr(json_object) properties = NULL;
    const char *path;
    int r;

    if (bus_call(client, "GetIntegration", &reply, error, "s", name) < 0)
        return -1;
    r = sd_bus_message_read(reply, "o", &path);
    if (r < 0)
        return bus_bad_reply(r, error);
    if (get_all(client, path, KT_INTEGRATION_INTERFACE, &properties, error) < 0)
        return -1;
    if (strcmp(dict_text(properties, "Name"), name) != 0)
        return bus_bad_reply(-EBADMSG, error);
    *ret_properties = g_steal_pointer(&properties);
    return 0;
}

/* Its name stands in lines that are meant to be pasted into a shell: one that is no name was not keyturnd's
 * to give. Returns 1 or a negative errno. */
static int read_integration(sd_bus_message *m, json_object **ret_properties)
{
    g_autoptr(json_object) properties = NULL;
    int r = dict_read(m, &properties);

    if (r < 0)
        return r;
    if (r == 0 || !text_is_slug(dict_text(properties, "Name")))
        return -EBADMSG;
    *ret_properties = g_steal_pointer(&properties);
    return 1;
}

/* The interfaces of one object; those that are not an integration are skipped. */
static int read_object(sd_bus_message *m, json_object *array)
{
    const char *path, *interface;
    json_object *dict;
    int r;

    r = sd_bus_message_read(m, "o", &path);
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
        r = sd_bus_message_read(m, "s", &interface);
        if (r >= 0 && strcmp(interface, KT_INTEGRATION_INTERFACE) != 0)
            r = sd_bus_message_skip(m, "a{sv}");
        else if (r >= 0 && (r = read_integration(m, &dict)) > 0)
            json_object_array_add(array, dict);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(dict_text(*(json_object *const *)a, "Name"), dict_text(*(json_object *const *)b, "Name"));
}

int bus_get_integrations(struct client *client, json_object **ret_array, GError **error)
{
    _cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
    g_autoptr(json_object) array = json_object_new_array();
    int r;

    if (new_call(client, KT_OBJECT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &call,
                 error) < 0 ||
        bus_send(client, call, &reply, error) < 0)
        return -1;
    r = sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}")) > 0)
        r = read_object(reply, array);
    if (r < 0)
        return bus_bad_reply(r, error);
    json_object_array_sort(array, by_name);
    *ret_array = g_steal_pointer(&array);
    return 0;
}

int bus_get_settings(struct client *client, const char *name, json_object **ret_settings, GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r;

    if (bus_call(client, "GetSettings", &reply, error, "s", name) < 0)
        return -1;
    r = dict_read(reply, ret_settings);
    return r < 0 ? bus_bad_reply(r, error) : 0;
}

int bus_get_holders(struct client *client, const char *name, json_object **ret_array, GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r;

    if (bus_call(client, "GetHolders", &reply, error, "s", name) < 0)
        return -1;
    r = dict_read_array(reply, ret_array);
    return r < 0 ? bus_bad_reply(r, error) : 0;
}

int bus_get_history(struct client *client, const char *name, guint64 since, json_object **ret_array,
                    GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    int r;

    if (bus_call(client, "GetHistory", &reply, error, "st", name, since) < 0)
        return -1;
    r = dict_read_array(reply, ret_array);
    return r < 0 ? bus_bad_reply(r, error) : 0;
}
