/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call after the other, so that each has its deadline to itself. Touches its helper and the bus of the
 * Secret Service. */
#include "daemon/io/keyring.h"

#include <errno.h>

#include <glib.h>

#include "daemon/io/helper.h"
#include "daemon/io/keyring-message.h"
#include "daemon/io/keyring-watch.h"
#include "daemon/util/cleanup.h"
#include "daemon/util/text.h"
#include "dbus/names.h"

#define IDLE (30 * USEC_PER_SEC) /* GIO is large: it is not to be resident all the time */
#define DEADLINE (30 * USEC_PER_SEC)
#define DEADLINE_BATCH (120 * USEC_PER_SEC)

struct keyring {
    struct helper *helper;
    struct keyring_watch *watch;
    GQueue queue;            /* struct request; the head is under way */
    struct request *telling; /* whose items are being told */
    bool freeing;
};

enum kind {
    STORE,
    LOAD,
    LOAD_ALL,
    ERASE,
    CHECK,
};

struct request {
    enum kind kind;
    struct keyring_item item; /* owns its texts */
    struct secret *secret;
    keyring_item_fn each;
    keyring_done_fn done; /* NULL: called already */
    void *userdata;
    bool tried;
};

static void request_free(struct request *request)
{
    g_free((char *)request->item.integration);
    g_free((char *)request->item.key_id);
    secret_free(request->secret);
    g_free(request);
}

static void finish(struct request *request, int result, const struct secret *secret, const char *message)
{
    keyring_done_fn done = request->done;

    request->done = NULL;
    done(result, secret, message, request->userdata);
}

/* Sending */

static int append_arguments(sd_bus_message *m, const struct request *request)
{
    switch (request->kind) {
    case STORE:
        if (request->secret == NULL)
            return -ENOMEM;
        return keyring_append_store(m, &request->item, request->secret);
    case LOAD:
    case ERASE:
        return keyring_append_item(m, &request->item);
    case LOAD_ALL:
        return 0;
    case CHECK:
        return sd_bus_message_append(m, "b", true);
    }
    return -EINVAL;
}

static void on_reply(sd_bus_message *reply, const sd_bus_error *error, void *userdata);

static void send_head(struct keyring *keyring)
{
    static const char *const members[] = {
        [STORE] = "Store", [LOAD] = "Load", [LOAD_ALL] = "LoadAll", [ERASE] = "Erase", [CHECK] = "Check"};
    struct request *request = g_queue_peek_head(&keyring->queue);
    _cleanup_message_ sd_bus_message *call = NULL;

    if (request == NULL || keyring->freeing)
        return;
    if (helper_new_call(keyring->helper, members[request->kind], &call) >= 0 &&
        append_arguments(call, request) < 0)
        call = sd_bus_message_unref(call);
    helper_call(keyring->helper, call, request->kind == LOAD_ALL ? DEADLINE_BATCH : DEADLINE, on_reply,
                keyring);
}

static void submit(struct keyring *keyring, struct request request, const struct keyring_item *item)
{
    request.item = (struct keyring_item){0};
    if (item != NULL)
        request.item = (struct keyring_item){.integration = g_strdup(item->integration),
                                             .environment = item->environment,
                                             .key_id = g_strdup(item->key_id)};
    g_queue_push_tail(&keyring->queue, g_memdup2(&request, sizeof request));
    if (g_queue_get_length(&keyring->queue) == 1)
        send_head(keyring);
}

/* Answers */

static int result_of_error(struct keyring *keyring, const sd_bus_error *error)
{
    if (sd_bus_error_has_name(error, KT_ERROR_KEYRING_LOCKED)) {
        keyring_watch_found(keyring->watch, KEYRING_LOCKED);
        return -EAGAIN;
    }
    if (sd_bus_error_has_name(error, KT_ERROR_KEYRING_ABSENT)) {
        keyring_watch_found(keyring->watch, KEYRING_ABSENT);
        return -EAGAIN;
    }
    if (sd_bus_error_has_name(error, KT_ERROR_NO_KEY))
        return -ENOKEY;
    return sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT) ? -ETIMEDOUT : -EIO;
}

/* A callback may free the keyring, which then finishes the request itself. */
static void tell_items(struct keyring *keyring, struct request *request, sd_bus_message *reply)
{
    int r;

    keyring->telling = request;
    r = sd_bus_message_enter_container(reply, 'a', "(a{ss}s)");
    while (r > 0 || r == -ENOENT) {
        _cleanup_secret_ struct secret *secret = NULL;
        struct keyring_item item;

        r = keyring_read_item(reply, &item, &secret);
        if (r > 0)
            request->each(&item, secret, request->userdata);
        if (request->done == NULL)
            return;
    }
    keyring->telling = NULL;
    finish(request, r < 0 ? -EIO : 0, NULL, r < 0 ? "The keyring's helper answered nonsense" : NULL);
}

static void tell_secret(struct request *request, sd_bus_message *reply)
{
    _cleanup_secret_ struct secret *secret = NULL;
    int r = keyring_read_secret(reply, &secret);

    finish(request, r < 0 ? -EIO : 0, secret,
           r < 0 ? "The keyring's item for this key does not hold a key: import the key again" : NULL);
}

static void tell_state(struct keyring *keyring, struct request *request, sd_bus_message *reply)
{
    g_autofree char *message = NULL;
    enum keyring_state state;

    if (keyring_read_state(reply, &state) < 0) {
        finish(request, -EIO, NULL, "The keyring's helper answered nonsense");
        return;
    }
    if (state == KEYRING_UNLOCKED) {
        finish(request, 0, NULL, NULL);
        return;
    }
    keyring_watch_found(keyring->watch, state);
    message = g_strdup_printf("The keyring is %s", keyring_state_name(state));
    finish(request, -EAGAIN, NULL, message);
}

/* The keyring may be gone after this. */
static void tell(struct keyring *keyring, struct request *request, sd_bus_message *reply)
{
    switch (request->kind) {
    case STORE:
    case ERASE:
        finish(request, 0, NULL, NULL);
        break;
    case LOAD:
        tell_secret(request, reply);
        break;
    case LOAD_ALL:
        tell_items(keyring, request, reply);
        break;
    case CHECK:
        tell_state(keyring, request, reply);
        break;
    }
}

static bool helper_failed(const sd_bus_error *error)
{
    return sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) ||
           sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT);
}

/* The service's own words are in it, and services have been seen to tell what they were given. */
static void tell_error(struct keyring *keyring, struct request *request, const sd_bus_error *error)
{
    const char *key = request->secret != NULL ? secret_text(request->secret) : NULL;
    g_autofree char *message = text_line(error->message != NULL ? error->message : error->name, key);

    finish(request, result_of_error(keyring, error), NULL, message);
}

static void on_reply(sd_bus_message *reply, const sd_bus_error *error, void *userdata)
{
    struct keyring *keyring = userdata;
    struct request *request = g_queue_peek_head(&keyring->queue);

    if (reply == NULL && helper_failed(error) && !request->tried && !keyring->freeing) {
        request->tried = true;
        send_head(keyring);
        return;
    }
    g_queue_pop_head(&keyring->queue);
    send_head(keyring);
    if (reply != NULL) {
        if (request->kind != CHECK)
            keyring_watch_found(keyring->watch, KEYRING_UNLOCKED);
        tell(keyring, request, reply);
    } else {
        tell_error(keyring, request, error);
    }
    request_free(request);
}

/* The object */

struct keyring *keyring_new(sd_event *event, const char *helper_program, keyring_state_fn state_fn,
                            void *userdata)
{
    struct keyring *keyring = g_new0(struct keyring, 1);

    keyring->helper = helper_new(event, helper_program, KT_KEYRING_INTERFACE, IDLE);
    keyring->watch = keyring_watch_new(event, state_fn, userdata);
    if (keyring->helper == NULL || keyring->watch == NULL)
        return keyring_free(keyring);
    return keyring;
}

struct keyring *keyring_free(struct keyring *keyring)
{
    struct request *request;

    if (keyring == NULL || keyring->freeing)
        return NULL;
    keyring->freeing = true;
    if (keyring->telling != NULL)
        finish(keyring->telling, -EIO, NULL, "The keyring was closed");
    helper_free(keyring->helper);
    while ((request = g_queue_pop_head(&keyring->queue)) != NULL) {
        finish(request, -EIO, NULL, "The keyring was closed");
        request_free(request);
    }
    keyring_watch_free(keyring->watch);
    g_free(keyring);
    return NULL;
}

enum keyring_state keyring_get_state(const struct keyring *keyring)
{
    return keyring_watch_state(keyring->watch);
}

bool keyring_knows_state(const struct keyring *keyring)
{
    return keyring_watch_knows(keyring->watch);
}

void keyring_store(struct keyring *keyring, const struct keyring_item *item, const struct secret *secret,
                   keyring_done_fn done, void *userdata)
{
    submit(keyring,
           (struct request){.kind = STORE, .secret = secret_copy(secret), .done = done, .userdata = userdata},
           item);
}

void keyring_load(struct keyring *keyring, const struct keyring_item *item, keyring_done_fn done,
                  void *userdata)
{
    submit(keyring, (struct request){.kind = LOAD, .done = done, .userdata = userdata}, item);
}

void keyring_load_all(struct keyring *keyring, keyring_item_fn each, keyring_done_fn done, void *userdata)
{
    submit(keyring, (struct request){.kind = LOAD_ALL, .each = each, .done = done, .userdata = userdata},
           NULL);
}

void keyring_erase(struct keyring *keyring, const struct keyring_item *item, keyring_done_fn done,
                   void *userdata)
{
    submit(keyring, (struct request){.kind = ERASE, .done = done, .userdata = userdata}, item);
}

void keyring_check(struct keyring *keyring, keyring_done_fn done, void *userdata)
{
    submit(keyring, (struct request){.kind = CHECK, .done = done, .userdata = userdata}, NULL);
}
