/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.keyturn1.Keyring: reads a call, performs it, answers. Secrets stay in messages marked sensitive and in
 * libsecret's locked memory. */
#include "daemon/helpers/secret-service/object.h"

#include <string.h>

#include "daemon/helpers/secret-service/attributes.h"
#include "daemon/helpers/secret-service/check.h"
#include "daemon/helpers/secret-service/item.h"
#include "daemon/util/cleanup.h"
#include "dbus/names.h"

#define LABEL_MAX 256

/* The arguments of a call; strings are borrowed from its message. */
typedef struct Call {
    const char *label;
    GHashTable *attributes;
    SecretValue *secret;
    int write;
} Call;

/* Performs a call, appending to the reply what it answers. */
typedef int (*Perform)(KtSession *session, const Call *call, sd_bus_message *reply, sd_bus_error *ret_error);

static void call_clear(Call *call)
{
    g_clear_pointer(&call->attributes, g_hash_table_unref);
    g_clear_pointer(&call->secret, secret_value_unref);
}

#define _cleanup_call_ _cleanup_(call_clear)

/* GLib's signals wait in the main context, where nobody else would ever take them out. */
static void drop_signals(void)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* A service that was restarted makes one attempt fail, and one only. */
static int answer(sd_bus_message *m, Perform perform, KtSession *session, const Call *call,
                  sd_bus_error *ret_error)
{
    int r;

    drop_signals();
    for (int attempt = 0;; attempt++) {
        _cleanup_message_ sd_bus_message *reply = NULL;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
            return r;
        r = perform(session, call, reply, ret_error);
        if (r >= 0)
            return sd_bus_send(NULL, reply, NULL);
        if (!kt_session_is_stale(session))
            return r;
        kt_session_close(session);
        if (attempt > 0)
            return r;
        sd_bus_error_free(ret_error);
    }
}

static int read_attributes(sd_bus_message *m, Call *call, sd_bus_error *ret_error)
{
    const char *name, *value;
    int r;

    call->attributes = kt_attributes_new();
    r = sd_bus_message_enter_container(m, 'a', "{ss}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read(m, "{ss}", &name, &value)) > 0)
        g_hash_table_insert(call->attributes, g_strdup(name), g_strdup(value));
    if (r < 0)
        return r;
    if (!kt_attributes_are_ours(call->attributes))
        return sd_bus_error_set(
            ret_error, KT_ERROR_INVALID_ARGS,
            "A key has the attributes integration, environment and key-id, or management alone");
    return sd_bus_message_exit_container(m);
}

static int read_label(sd_bus_message *m, Call *call, sd_bus_error *ret_error)
{
    int r = sd_bus_message_read(m, "s", &call->label);

    if (r < 0)
        return r;
    if (!kt_text_is_sound(call->label, strlen(call->label), LABEL_MAX))
        return sd_bus_error_setf(ret_error, KT_ERROR_INVALID_ARGS, "A label is one line of 1 to %d bytes",
                                 LABEL_MAX);
    return 0;
}

static int read_secret(sd_bus_message *m, Call *call, sd_bus_error *ret_error)
{
    const char *text;
    int r = sd_bus_message_read(m, "s", &text);

    if (r < 0)
        return r;
    if (!kt_text_is_sound(text, strlen(text), KT_KEY_MAX))
        return sd_bus_error_setf(ret_error, KT_ERROR_INVALID_ARGS, "A key is one line of 1 to %d bytes",
                                 KT_KEY_MAX);
    call->secret = secret_value_new(text, -1, "text/plain");
    return 0;
}

static int perform_store(KtSession *session, const Call *call, sd_bus_message *reply, sd_bus_error *ret_error)
{
    int r = kt_session_ready(session, ret_error);

    return r < 0 ? r : kt_item_store(session, call->label, call->attributes, call->secret, ret_error);
}

static int method_store(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ Call call = {};
    int r;

    r = read_label(m, &call, ret_error);
    if (r >= 0)
        r = read_attributes(m, &call, ret_error);
    if (r >= 0)
        r = read_secret(m, &call, ret_error);
    return r < 0 ? r : answer(m, perform_store, userdata, &call, ret_error);
}

static int perform_load(KtSession *session, const Call *call, sd_bus_message *reply, sd_bus_error *ret_error)
{
    g_autoptr(SecretValue) secret = NULL;
    const char *text;
    gsize length;
    int r;

    r = kt_session_ready(session, ret_error);
    if (r >= 0)
        r = kt_item_load(session, call->attributes, &secret, ret_error);
    if (r < 0)
        return r;
    text = secret_value_get(secret, &length);
    if (!kt_text_is_sound(text, length, KT_KEY_MAX))
        return sd_bus_error_set(ret_error, KT_ERROR_FAILED,
                                "The keyring's item for this key does not hold a key: import the key again");
    return sd_bus_message_append(reply, "s", text);
}

static int method_load(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ Call call = {};
    int r = read_attributes(m, &call, ret_error);

    return r < 0 ? r : answer(m, perform_load, userdata, &call, ret_error);
}

static int append_item(sd_bus_message *reply, const KtItem *item)
{
    GHashTableIter iter;
    void *name, *value;
    int r;

    r = sd_bus_message_open_container(reply, 'r', "a{ss}s");
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "{ss}");
    g_hash_table_iter_init(&iter, item->attributes);
    while (r >= 0 && g_hash_table_iter_next(&iter, &name, &value))
        r = sd_bus_message_append(reply, "{ss}", name, value);
    if (r >= 0)
        r = sd_bus_message_close_container(reply);
    if (r >= 0)
        r = sd_bus_message_append(reply, "s", secret_value_get(item->secret, NULL));
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int perform_load_all(KtSession *session, const Call *call, sd_bus_message *reply,
                            sd_bus_error *ret_error)
{
    g_autoptr(GPtrArray) items = NULL;
    int r;

    r = kt_session_ready(session, ret_error);
    if (r >= 0)
        r = kt_item_load_all(session, &items, ret_error);
    if (r >= 0)
        r = sd_bus_message_open_container(reply, 'a', "(a{ss}s)");
    for (guint i = 0; r >= 0 && i < items->len; i++)
        r = append_item(reply, items->pdata[i]);
    return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_load_all(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    const Call call = {};

    return answer(m, perform_load_all, userdata, &call, ret_error);
}

static int perform_erase(KtSession *session, const Call *call, sd_bus_message *reply, sd_bus_error *ret_error)
{
    int r = kt_session_ready(session, ret_error);

    return r < 0 ? r : kt_item_erase(session, call->attributes, ret_error);
}

static int method_erase(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    _cleanup_call_ Call call = {};
    int r = read_attributes(m, &call, ret_error);

    return r < 0 ? r : answer(m, perform_erase, userdata, &call, ret_error);
}

static int perform_check(KtSession *session, const Call *call, sd_bus_message *reply, sd_bus_error *ret_error)
{
    const char *state;
    int r = kt_check(session, call->write, &state, ret_error);

    return r < 0 ? r : sd_bus_message_append(reply, "s", state);
}

static int method_check(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Call call = {};
    int r = sd_bus_message_read(m, "b", &call.write);

    return r < 0 ? r : answer(m, perform_check, userdata, &call, ret_error);
}

#define FLAGS SD_BUS_VTABLE_SENSITIVE | SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Store", SD_BUS_ARGS("s", label, "a{ss}", attributes, "s", secret),
                            SD_BUS_NO_RESULT, method_store, FLAGS),
    SD_BUS_METHOD_WITH_ARGS("Load", SD_BUS_ARGS("a{ss}", attributes), SD_BUS_RESULT("s", secret), method_load,
                            FLAGS),
    SD_BUS_METHOD_WITH_ARGS("LoadAll", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(a{ss}s)", items), method_load_all,
                            FLAGS),
    SD_BUS_METHOD_WITH_ARGS("Erase", SD_BUS_ARGS("a{ss}", attributes), SD_BUS_NO_RESULT, method_erase, FLAGS),
    SD_BUS_METHOD_WITH_ARGS("Check", SD_BUS_ARGS("b", write), SD_BUS_RESULT("s", state), method_check, FLAGS),
    SD_BUS_VTABLE_END,
};

int kt_object_add(sd_bus *bus, KtSession *session)
{
    return sd_bus_add_object_vtable(bus, NULL, KT_HELPER_PATH, KT_KEYRING_INTERFACE, vtable, session);
}
