/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Check, probe, identify, store, note: each step's answer starts the next one. */
#include "daemon/operations/import.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/operations/adopt.h"
#include "daemon/operations/identify.h"
#include "daemon/schedule.h"
#include "daemon/waits.h"

struct import {
    struct daemon *daemon;
    char *name;
    struct secret *secret;
    char last4[5];
    char *id;
    char *item;
    usec_t created_at;
    usec_t last_used_at;
    char *permissions;
    operation_fn done;
    void *userdata;
};

static void import_free(struct import *import)
{
    g_free(import->name);
    secret_free(import->secret);
    g_free(import->id);
    g_free(import->item);
    g_free(import->permissions);
    g_free(import);
}

static void fail(struct import *import, const GError *error)
{
    import->done(error, NULL, import->userdata);
    import_free(import);
}

static void G_GNUC_PRINTF(3, 4) fail_with(struct import *import, int code, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list arguments;

    va_start(arguments, format);
    error = g_error_new_valist(KT_ERROR, code, format, arguments);
    va_end(arguments);
    fail(import, error);
}

static const struct rotation *awaiting(const struct import *import)
{
    const struct rotation *rotation = rotator_find(import->daemon->rotator, import->name);

    return rotation != NULL && rotation->state == ROTATION_AWAITING_KEY ? rotation : NULL;
}

static void noted(struct import *import)
{
    struct daemon *daemon = import->daemon;
    struct entry *entry = registry_find(daemon->registry, import->name);
    struct ledger_key key = {
        .integration = import->name,
        .environment = entry->definition->environment,
        .id = import->id,
        .item = import->item,
        .last4 = import->last4,
        .state = KEY_CURRENT,
        .created_at = import->created_at,
        .last_used_at = import->last_used_at,
        .permissions = import->permissions,
    };
    struct ledger_event event = {.time = clock_now(),
                                 .integration = import->name,
                                 .event = "imported",
                                 .key_id = import->id,
                                 .last4 = import->last4,
                                 .message = "a key made elsewhere was taken in"};
    int r = ledger_add_key(daemon->ledger, &key, &event);

    if (r == 0)
        r = entry_reload_keys(entry, daemon->ledger);
    if (r < 0) {
        fail_with(import, KT_FAILED, "the ledger can't be written: %s: make room in %s, then import again",
                  g_strerror(-r), daemon->paths.state);
        return;
    }
    vault_put(daemon->vault, key.number, import->secret);
    schedule_key_is_new(daemon, entry);
    daemon->news->changed(entry, daemon->news_userdata);
    daemon->news->key_changed(entry, entry_current(entry)->generation, daemon->news_userdata);
    schedule_look_again(daemon);
    import->done(NULL, import->last4, import->userdata);
    import_free(import);
}

static void stored(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct import *import = userdata;
    struct entry *entry = registry_find(import->daemon->registry, import->name);

    if (result < 0)
        fail_with(import, result == -EAGAIN ? KT_KEYRING_LOCKED : KT_FAILED,
                  "the keyring does not take the key: %s: unlock it, then import again",
                  message != NULL ? message : g_strerror(-result));
    else if (entry == NULL)
        fail_with(import, KT_NO_SUCH_INTEGRATION, "%s was removed meanwhile: add it again", import->name);
    else if (entry_current(entry) != NULL)
        fail_with(import, KT_EXISTS, "%s got a key meanwhile: keyturn rotate %s replaces it", import->name,
                  import->name);
    else
        noted(import);
}

static void store(struct import *import, struct entry *entry)
{
    uint32_t number = 0;
    struct keyring_item item;

    if (import->id != NULL)
        import->item = g_strdup(import->id);
    else if (getrandom(&number, sizeof number, 0) == sizeof number)
        import->item = g_strdup_printf("unknown-%s-%08x", import->last4, number);
    else
        import->item = g_strdup_printf("unknown-%s", import->last4);
    item = (struct keyring_item){import->name, entry->definition->environment, import->item};
    keyring_store(import->daemon->keyring, &item, import->secret, stored, import);
}

static void supplied(enum wait_outcome outcome, const char *reason, void *userdata)
{
    struct import *import = userdata;

    if (outcome == OUTCOME_DONE) {
        import->done(NULL, import->last4, import->userdata);
        import_free(import);
        return;
    }
    fail_with(import, KT_REFUSED, "the new key did not come into use: %s: see keyturn status %s",
              reason != NULL ? reason : "its rotation has ended", import->name);
}

/* The rotation stores it, verifies it as read back, and swaps. */
static void supply(struct import *import, const struct rotation *rotation)
{
    struct daemon *daemon = import->daemon;
    g_autofree char *rid = g_strdup(rotation->rid);
    struct remote_key key = {.id = import->id, .last4 = import->last4, .created_at = import->created_at};
    struct rotation_event event = {.type = EVENT_SUPPLIED, .key = &key};

    if (vault_put_fresh(daemon->vault, rid, import->secret) < 0 ||
        rotator_say(daemon->rotator, import->name, &event) < 0) {
        vault_remove_fresh(daemon->vault, rid);
        fail_with(import, KT_BUSY, "the rotation of %s is busy: import again in a moment", import->name);
        return;
    }
    waits_add(daemon->waits, rid, WAIT_SWAPPED, supplied, import);
}

static void identified(const struct remote_key *key, const GError *error, void *userdata)
{
    struct import *import = userdata;
    struct entry *entry = registry_find(import->daemon->registry, import->name);

    if (error != NULL) {
        fail(import, error);
        return;
    }
    if (entry == NULL) {
        fail_with(import, KT_NO_SUCH_INTEGRATION, "%s was removed meanwhile: add it again", import->name);
        return;
    }
    if (key != NULL && registry_is_current(import->daemon->registry, NULL, key->type, 0, key->id, NULL)) {
        fail_with(import, KT_EXISTS,
                  "key %s belongs to another integration already: create one of its own for %s", key->id,
                  import->name);
        return;
    }
    if (key != NULL) {
        g_free(import->id);
        import->id = g_strdup(key->id);
        import->last_used_at = key->last_used_at;
        import->permissions = remote_key_permissions(key);
        if (import->created_at == 0)
            import->created_at = key->created_at;
    }
    if (import->created_at == 0)
        import->created_at = clock_now();
    if (awaiting(import) != NULL)
        supply(import, awaiting(import));
    else
        store(import, entry);
}

static void probed(struct provider_result *result, void *userdata)
{
    struct import *import = userdata;
    struct entry *entry = registry_find(import->daemon->registry, import->name);
    g_autoptr(GError) error = NULL;
    enum environment environment;

    if (entry == NULL) {
        fail_with(import, KT_NO_SUCH_INTEGRATION, "%s was removed meanwhile: add it again", import->name);
        return;
    }
    environment = entry->definition->environment;
    entry->probed_date = result->answer.date;
    switch (answer_verdict(&result->answer)) {
    case VERDICT_VALID:
        identify_key(import->daemon, environment, daemon_management(import->daemon, environment), import->id,
                     import->last4, identified, import);
        return;
    case VERDICT_INVALID:
        fail_with(import, KT_INVALID_KEY,
                  "HueChat refuses the key: check that it was copied whole and was not deleted");
        return;
    case VERDICT_UNKNOWN:
        error = operation_answer_error(&result->answer, "trying the key");
        fail(import, error);
        return;
    }
}

static bool check(struct daemon *daemon, const struct entry *entry, const struct secret *secret,
                  GError **error)
{
    const struct integration *definition = entry->definition;
    const struct rotation *rotation = rotator_find(daemon->rotator, definition->name);
    enum environment environment;

    if (secret == NULL)
        g_set_error(error, KT_ERROR, KT_INVALID_KEY,
                    "no well-formed key was uploaded: a key is one line that starts with %s",
                    environment_prefix(definition->environment));
    else if (environment_of_key(secret_text(secret), &environment) < 0)
        g_set_error(error, KT_ERROR, KT_INVALID_KEY, "this is no HueChat key: one for %s starts with %s",
                    definition->name, environment_prefix(definition->environment));
    else if (environment != definition->environment)
        g_set_error(error, KT_ERROR, KT_WRONG_ENVIRONMENT,
                    "this is a %s key, and %s is for %s: use one that starts with %s",
                    environment_name(environment), definition->name,
                    environment_name(definition->environment), environment_prefix(definition->environment));
    else if (rotation != NULL && rotation->state != ROTATION_AWAITING_KEY)
        g_set_error(error, KT_ERROR, KT_BUSY, "a rotation of %s is under way (%s): see keyturn status %s",
                    definition->name, rotation_state_name((enum rotation_state)rotation->state),
                    definition->name);
    else if (rotation == NULL && entry_current(entry) != NULL)
        g_set_error(error, KT_ERROR, KT_EXISTS, "%s has a key already: keyturn rotate %s replaces it",
                    definition->name, definition->name);
    else if (vault_holds(daemon->vault, secret, 0))
        g_set_error(error, KT_ERROR, KT_EXISTS,
                    "this key is in use by another integration already, or it is the management key: create "
                    "one of its own "
                    "for %s",
                    definition->name);
    else
        return operation_check_keyring(daemon, error) && operation_check_read(daemon, environment, error);
    return false;
}

void import_key(struct daemon *daemon, const char *name, struct secret *given, const char *id,
                usec_t created_at, operation_fn done, void *userdata)
{
    _cleanup_secret_ struct secret *secret = given;
    g_autoptr(GError) error = NULL;
    const struct entry *entry = operation_find(daemon, name, &error);
    struct import *import;

    if (entry != NULL && secret != NULL && id != NULL && adopt_is_possible(daemon, entry, secret)) {
        adopt_key(daemon, entry, id, done, userdata);
        return;
    }
    if (entry == NULL || !check(daemon, entry, secret, &error)) {
        done(error, NULL, userdata);
        return;
    }
    if (created_at > clock_now()) {
        operation_refuse(done, userdata, KT_INVALID,
                         "the key can't have been created in the future: check the date");
        return;
    }
    import = g_new0(struct import, 1);
    *import = (struct import){
        .daemon = daemon,
        .name = g_strdup(name),
        .id = g_strdup(id),
        .created_at = created_at,
        .done = done,
        .userdata = userdata,
    };
    memcpy(import->last4, secret_last4(secret), 4);
    import->secret = g_steal_pointer(&secret);
    provider_probe(daemon->providers[entry->definition->environment], PRIORITY_PERSON, import->secret, probed,
                   import);
}
