/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A keyring helper whose answer hangs on the id of the key, and what is before it. What it remembers is a
 * file of the folder. */
#pragma once

#include "tests/unit/fake.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/keyring.h"

#define SECRET "sk_test_0123456789xyz"

/* The helper's side */

static int read_attributes(sd_bus_message *m, char **ret_text, char **ret_id)
{
    GString *text = g_string_new(NULL);
    const char *name, *value;

    sd_bus_message_enter_container(m, 'a', "{ss}");
    while (sd_bus_message_read(m, "{ss}", &name, &value) > 0) {
        g_string_append_printf(text, "%s=%s ", name, value);
        if (g_str_equal(name, KT_ATTRIBUTE_KEY_ID))
            *ret_id = g_strdup(value);
    }
    *ret_text = g_string_free(text, FALSE);
    return sd_bus_message_exit_container(m);
}

/* Fails or dies, if the id says so. 0: neither. */
static int misbehave(sd_bus_message *m, const char *id)
{
    if (g_strcmp0(id, "locked") == 0)
        return sd_bus_reply_method_errorf(m, KT_ERROR_KEYRING_LOCKED, "it is locked");
    if (g_strcmp0(id, "absent") == 0)
        return sd_bus_reply_method_errorf(m, KT_ERROR_KEYRING_ABSENT, "it is absent");
    if (g_strcmp0(id, "none") == 0)
        return sd_bus_reply_method_errorf(m, KT_ERROR_NO_KEY, "no such item");
    if (g_strcmp0(id, "fail") == 0)
        return sd_bus_reply_method_errorf(m, KT_ERROR_FAILED, "out of sorts");
    if (g_strcmp0(id, "odd") == 0)
        return sd_bus_reply_method_errorf(m, KT_ERROR_FAILED,
                                          "\x1b[2J\nof " SECRET " \xe2\x80\xae sk_live_1");
    if (g_strcmp0(id, "wordless") == 0)
        return sd_bus_reply_method_errorf(m, KT_ERROR_FAILED, NULL);
    if (g_strcmp0(id, "die") == 0 || (g_strcmp0(id, "once") == 0 && mkdir("died", 0700) == 0))
        _exit(1);
    return 0;
}

static int method_store(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *attributes = NULL, *id = NULL, *text = NULL;
    const char *label, *secret;
    int r;

    sd_bus_message_read(m, "s", &label);
    read_attributes(m, &attributes, &id);
    sd_bus_message_read(m, "s", &secret);
    r = misbehave(m, id);
    if (r != 0)
        return r;
    text = g_strdup_printf("%s|%s|%s", label, attributes, secret);
    return g_file_set_contents("stored", text, -1, NULL) ? sd_bus_reply_method_return(m, "") : -EIO;
}

static int method_load(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *attributes = NULL, *id = NULL;
    int r;

    read_attributes(m, &attributes, &id);
    r = misbehave(m, id);
    if (r != 0)
        return r;
    return sd_bus_reply_method_return(m, "s", g_strcmp0(id, "malformed") == 0 ? "not a key" : SECRET);
}

static int method_load_all(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    return sd_bus_reply_method_return(
        m, "a(a{ss}s)", 9, 3, "integration", "", "environment", "test", "key-id", "key_4", SECRET, 3,
        "integration", "\x1b[2J", "environment", "test", "key-id", "key_5", SECRET, 3, "integration", "crm",
        "environment", "test", "key-id", "", SECRET, 3, "integration", "crm", "environment", "test", "key-id",
        "key_1", SECRET, 1, "management", "live", "sk_live_0123456789xyz", 1, "management", "test:key_9",
        "sk_test_0123456789abc", 3, "integration", "crm", "environment", "prod", "key-id", "key_2", SECRET, 3,
        "integration", "erp", "environment", "live", "key-id", "key_3", "not a key", 1, "management", "check",
        SECRET);
}

static int method_erase(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *attributes = NULL, *id = NULL;
    int r;

    read_attributes(m, &attributes, &id);
    r = misbehave(m, id);
    return r != 0 ? r : sd_bus_reply_method_return(m, "");
}

static int method_check(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    g_autofree char *state = NULL;
    int write;

    sd_bus_message_read(m, "b", &write);
    if (!write)
        return -EINVAL;
    if (!g_file_get_contents("state", &state, NULL, NULL))
        return sd_bus_reply_method_return(m, "s", "unlocked");
    return sd_bus_reply_method_return(m, "s", state);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("Store", "sa{ss}s", "", method_store, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Load", "a{ss}", "s", method_load, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("LoadAll", "", "a(a{ss}s)", method_load_all, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Erase", "a{ss}", "", method_erase, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD("Check", "b", "s", method_check, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

/* The daemon's side */

struct fixture {
    sd_event *event;
    struct keyring *keyring;
    char *folder, *before;
    unsigned states; /* changes told */
};

struct outcome {
    unsigned n;
    int result;
    char secret[64], message[128];
    GString *items;
    struct fixture *free_it; /* from the callback, or from that of an item */
};

static void on_state(enum keyring_state state, void *userdata)
{
    ((struct fixture *)userdata)->states++;
}

static void on_done(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct outcome *outcome = userdata;

    outcome->n++;
    outcome->result = result;
    g_strlcpy(outcome->secret, secret != NULL ? secret_text(secret) : "", sizeof outcome->secret);
    g_strlcpy(outcome->message, message != NULL ? message : "", sizeof outcome->message);
    if (outcome->free_it != NULL)
        outcome->free_it->keyring = keyring_free(outcome->free_it->keyring);
}

static void on_item(const struct keyring_item *item, const struct secret *secret, void *userdata)
{
    struct outcome *outcome = userdata;
    struct fixture *free_it = g_steal_pointer(&outcome->free_it);

    g_string_append_printf(outcome->items, "%s %s %s %s\n",
                           item->integration != NULL ? item->integration : "-",
                           environment_name(item->environment), item->key_id != NULL ? item->key_id : "-",
                           secret != NULL ? secret_text(secret) : "-");
    if (free_it != NULL) {
        free_it->keyring = keyring_free(free_it->keyring);
        assert_int_equal(outcome->n, 1);
    }
}

static int set_up(void **state)
{
    struct fixture *f = g_new0(struct fixture, 1);

    f->folder = g_dir_make_tmp("kt-keyring-XXXXXX", NULL);
    f->before = g_get_current_dir();
    f->event = loop_new();
    setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
    f->keyring = keyring_new(f->event, "/proc/self/exe", on_state, f);
    *state = f;
    return f->keyring == NULL || chdir(f->folder) < 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    keyring_free(f->keyring);
    sd_event_unref(f->event);
    unlink("stored");
    unlink("state");
    rmdir("died");
    if (chdir(f->before) < 0 || rmdir(f->folder) < 0)
        return -1;
    g_free(f->folder);
    g_free(f->before);
    g_free(f);
    return 0;
}

static const struct keyring_item crm = {"crm", ENVIRONMENT_TEST, "key_1"};

static struct keyring_item with_id(const char *id)
{
    return (struct keyring_item){"crm", ENVIRONMENT_TEST, id};
}

static void expect(struct fixture *f, struct outcome *outcome, int result, const char *message)
{
    loop_until(f->event, &outcome->n, outcome->n + 1);
    assert_int_equal(outcome->result, result);
    assert_string_equal(outcome->message, message);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
