/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Check, list, store, note. */
#include "daemon/operations/login.h"

#include <errno.h>
#include <string.h>

#include "daemon/operations/identify.h"
#include "daemon/schedule.h"

struct login {
    struct daemon *daemon;
    enum environment environment;
    struct secret *secret;
    char last4[5];
    char *id;
    usec_t created_at;
    operation_fn done;
    void *userdata;
};

static void login_free(struct login *login)
{
    secret_free(login->secret);
    g_free(login->id);
    g_free(login);
}

static void fail(struct login *login, const GError *error)
{
    login->done(error, NULL, login->userdata);
    login_free(login);
}

static void fail_ledger(struct login *login, int r)
{
    g_autoptr(GError) error =
        g_error_new(KT_ERROR, KT_FAILED, "the ledger can't be written: %s: make room in %s", g_strerror(-r),
                    login->daemon->paths.state);

    fail(login, error);
}

/* The key that was there before is a person's own business: its row is closed, nothing is deleted. */
static int close_row(struct daemon *daemon, struct entry *entry, enum key_state state,
                     const struct ledger_event *event)
{
    int r = 0;

    for (guint i = 0; r == 0 && i < entry->keys->len; i++) {
        struct ledger_key *key = entry->keys->pdata[i];

        if (key->state != state)
            continue;
        key->state = KEY_GONE;
        r = ledger_update_key(daemon->ledger, key, event);
        vault_remove(daemon->vault, key->number);
    }
    return r == 0 ? entry_reload_keys(entry, daemon->ledger) : r;
}

static int note(struct login *login, struct entry *entry, uint64_t *ret_number)
{
    struct daemon *daemon = login->daemon;
    struct ledger_key key = {
        .integration = entry->definition->name,
        .environment = login->environment,
        .id = login->id,
        .item = (char *)environment_name(login->environment),
        .last4 = login->last4,
        .state = KEY_CURRENT,
        .created_at = login->created_at != 0 ? login->created_at : clock_now(),
    };
    struct ledger_event event = {.time = clock_now(),
                                 .integration = entry->definition->name,
                                 .event = "login",
                                 .key_id = login->id,
                                 .last4 = login->last4,
                                 .message = "a management key was stored"};
    int r = ledger_add_key(daemon->ledger, &key, &event);

    if (r == 0)
        r = entry_reload_keys(entry, daemon->ledger);
    *ret_number = key.number;
    return r < 0 ? r : close_row(daemon, entry, KEY_RETIRING, NULL);
}

static void stored(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct login *login = userdata;
    struct daemon *daemon = login->daemon;
    struct entry *entry = registry_find(daemon->registry, management_name(login->environment));
    uint64_t number;
    int r;

    if (result < 0) {
        g_autoptr(GError) error =
            g_error_new(KT_ERROR, result == -EAGAIN ? KT_KEYRING_LOCKED : KT_FAILED,
                        "the keyring does not take the key: %s: unlock it, then log in again",
                        message != NULL ? message : g_strerror(-result));
        fail(login, error);
        return;
    }
    r = note(login, entry, &number);
    if (r < 0) {
        fail_ledger(login, r);
        return;
    }
    vault_put(daemon->vault, number, login->secret);
    entry->secret_missing = false;
    daemon->refused[login->environment] = false;
    daemon_attention(daemon, entry, NULL);
    daemon_environment_changed(daemon, login->environment);
    login->done(NULL, NULL, login->userdata);
    login_free(login);
    rotator_wake(daemon->rotator);
    schedule_look_again(daemon);
}

static bool find_itself(struct login *login, const struct provider_result *result, GError **error)
{
    unsigned matches;
    const struct remote_key *match =
        identify_in(result, login->environment, login->id, login->last4, &matches);

    if (login->id != NULL && matches == 0) {
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "HueChat lists no key %s that ends in %s: see the dashboard for the right --id",
                    login->id, login->last4);
        return false;
    }
    if (match == NULL)
        return true; /* another one ends in the same way: its id stays unknown */
    g_free(login->id);
    login->id = g_strdup(match->id);
    login->created_at = match->created_at;
    return true;
}

static void listed(struct provider_result *result, void *userdata)
{
    struct login *login = userdata;
    g_autoptr(GError) error = NULL;
    struct keyring_item item = {NULL, login->environment, environment_name(login->environment)};

    if (answer_verdict(&result->answer) == VERDICT_INVALID)
        error = g_error_new(KT_ERROR, KT_INVALID_KEY,
                            "HueChat refuses the key: check that it was copied whole and was not deleted");
    else if (answer_class(&result->answer) == ANSWER_DENIED)
        error = g_error_new(KT_ERROR, KT_REFUSED,
                            "this key may not manage keys: use one with Full Access or admin:write");
    else if (!result->counts)
        error = operation_answer_error(&result->answer, "HueChat's key list");
    if (error != NULL || !find_itself(login, result, &error)) {
        fail(login, error);
        return;
    }
    keyring_store(login->daemon->keyring, &item, login->secret, stored, login);
}

static bool check(struct daemon *daemon, enum environment environment, const struct secret *secret,
                  GError **error)
{
    const char *prefix = environment_prefix(environment);
    const struct ledger_key *before =
        entry_current(registry_find(daemon->registry, management_name(environment)));
    enum environment carried;

    if (secret == NULL || environment_of_key(secret_text(secret), &carried) < 0)
        g_set_error(error, KT_ERROR, KT_INVALID_KEY,
                    "this is no HueChat key: one for %s is a line that starts with %s",
                    environment_name(environment), prefix);
    else if (carried != environment)
        g_set_error(error, KT_ERROR, KT_WRONG_ENVIRONMENT, "this is a %s key: one for %s starts with %s",
                    environment_name(carried), environment_name(environment), prefix);
    else if (!daemon->refused[environment] && before != NULL &&
             rotator_find(daemon->rotator, management_name(environment)) != NULL)
        g_set_error(error, KT_ERROR, KT_BUSY,
                    "the management key of %s is just being rotated: try again later",
                    environment_name(environment));
    else if (vault_holds(daemon->vault, secret, before != NULL ? before->number : 0))
        g_set_error(error, KT_ERROR, KT_EXISTS,
                    "this key is an integration's: create a management key of its own in the dashboard");
    else
        return operation_check_keyring(daemon, error);
    return false;
}

void login(struct daemon *daemon, enum environment environment, struct secret *given, const char *id,
           operation_fn done, void *userdata)
{
    _cleanup_secret_ struct secret *secret = given;
    g_autoptr(GError) error = NULL;
    struct login *login;

    if (!check(daemon, environment, secret, &error)) {
        done(error, NULL, userdata);
        return;
    }
    login = g_new0(struct login, 1);
    *login = (struct login){
        .daemon = daemon, .environment = environment, .id = g_strdup(id), .done = done, .userdata = userdata};
    memcpy(login->last4, secret_last4(secret), 4);
    login->secret = g_steal_pointer(&secret);
    provider_list(daemon->providers[environment], PRIORITY_PERSON, login->secret, listed, login);
}

static void erased(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct login *login = userdata;
    struct daemon *daemon = login->daemon;
    struct entry *entry = registry_find(daemon->registry, management_name(login->environment));
    struct ledger_event event = {.time = clock_now(),
                                 .integration = entry->definition->name,
                                 .event = "logout",
                                 .message = "the management key was forgotten"};
    int r;

    if (result < 0) {
        g_autoptr(GError) error =
            g_error_new(KT_ERROR, result == -EAGAIN ? KT_KEYRING_LOCKED : KT_FAILED,
                        "the keyring does not forget the key: %s: unlock it, then try again",
                        message != NULL ? message : g_strerror(-result));
        fail(login, error);
        return;
    }
    r = close_row(daemon, entry, KEY_CURRENT, &event);
    if (r < 0) {
        fail_ledger(login, r);
        return;
    }
    daemon->refused[login->environment] = false;
    daemon_attention(daemon, entry, NULL);
    daemon_environment_changed(daemon, login->environment);
    login->done(NULL, NULL, login->userdata);
    login_free(login);
}

void logout(struct daemon *daemon, enum environment environment, operation_fn done, void *userdata)
{
    struct entry *entry = registry_find(daemon->registry, management_name(environment));
    struct ledger_key *key = entry_current(entry);
    g_autoptr(GError) error = NULL;
    struct keyring_item item;
    struct login *login;

    if (key == NULL) {
        operation_refuse(done, userdata, KT_NO_MANAGEMENT_KEY,
                         "there is no management key for %s: nothing to forget",
                         environment_name(environment));
        return;
    }
    if (!operation_check_keyring(daemon, &error)) {
        done(error, NULL, userdata);
        return;
    }
    login = g_new0(struct login, 1);
    *login = (struct login){.daemon = daemon, .environment = environment, .done = done, .userdata = userdata};
    item = daemon_item(entry, key);
    keyring_erase(daemon->keyring, &item, erased, login);
}
