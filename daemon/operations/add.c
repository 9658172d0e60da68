/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ledger, file, memory, first rotation; and all of it back when the first key can't be had. */
#include "daemon/operations/add.h"

#include "daemon/definitions.h"
#include "daemon/rotate.h"
#include "daemon/waits.h"

struct adding {
    struct daemon *daemon;
    char *name;
    operation_fn done;
    void *userdata;
};

static void adding_free(struct adding *adding)
{
    g_free(adding->name);
    g_free(adding);
}

static bool check(struct daemon *daemon, const struct integration *definition, bool issue, GError **error)
{
    const char *name = definition->name;

    if (!integration_name_is_valid(name)) {
        g_set_error(
            error, KT_ERROR, KT_INVALID,
            "%s is no name for an integration: use 1 to 64 of a-z 0-9 . _ -, starting with a letter or digit",
            name);
        return false;
    }
    if (registry_find(daemon->registry, name) != NULL) {
        g_set_error(error, KT_ERROR, KT_EXISTS,
                    "there is an integration %s already: keyturn edit %s changes it", name, name);
        return false;
    }
    if (!integration_check(definition, daemon->config->extra_permissions, error))
        return false;
    if (!issue)
        return true;
    if (definition->managed_by == MANAGED_BY_DASHBOARD) {
        g_set_error(
            error, KT_ERROR, KT_INVALID,
            "keyturn can't create a key that a person manages: add without issuing, then keyturn import %s",
            name);
        return false;
    }
    return operation_check_keyring(daemon, error) &&
           operation_management(daemon, definition->environment, error) != NULL;
}

/* The file first: one alone is an integration without a key, a row alone is one that has lost its file. */
static int define(struct daemon *daemon, const struct integration *definition)
{
    int r = definitions_write(daemon, definition);
    struct entry *entry;

    if (r < 0)
        return r;
    r = ledger_put_integration(daemon->ledger, definition->name, definition->environment);
    if (r < 0) {
        definitions_delete(daemon, definition->name);
        return r;
    }
    entry = registry_put(daemon->registry, integration_copy(definition));
    entry->has_file = true;
    daemon->news->added(entry, daemon->news_userdata);
    return 0;
}

/* Nothing came of it. */
static void undefine(struct daemon *daemon, const char *name)
{
    int r = definitions_delete(daemon, name);

    if (r == 0)
        r = ledger_forget_integration(daemon->ledger, name, NULL);
    if (r < 0) {
        daemon_note(
            daemon, LOG_ERR,
            &(struct ledger_event){.time = clock_now(),
                                   .integration = name,
                                   .event = "failed",
                                   .message = "it has no key, and can't be forgotten: keyturn remove it"});
        return;
    }
    rotator_forget(daemon->rotator, name);
    registry_remove(daemon->registry, name);
    daemon->news->removed(name, daemon->news_userdata);
}

/* What kind of failure ended the first rotation. */
static int code_of(struct daemon *daemon, const struct entry *entry)
{
    if (keyring_get_state(daemon->keyring) != KEYRING_UNLOCKED)
        return KT_KEYRING_LOCKED;
    switch (entry->last_class) {
    case ANSWER_UNSENT:
    case ANSWER_UNKNOWN:
        return KT_UNREACHABLE;
    case ANSWER_ABSENT:
    case ANSWER_DENIED:
    case ANSWER_REFUSED:
        return KT_REFUSED;
    case ANSWER_LIMITED:
        return KT_BUSY;
    case ANSWER_OK:
        break;
    }
    return KT_FAILED;
}

static void settled(enum wait_outcome outcome, const char *reason, void *userdata)
{
    struct adding *adding = userdata;
    struct daemon *daemon = adding->daemon;
    struct entry *entry = registry_find(daemon->registry, adding->name);

    if (outcome == OUTCOME_DONE) {
        adding->done(NULL, NULL, adding->userdata);
    } else if (outcome == OUTCOME_ABORTED) {
        int code = entry != NULL ? code_of(daemon, entry) : KT_FAILED;

        undefine(daemon, adding->name);
        operation_refuse(adding->done, adding->userdata, code, "%s: nothing was added", reason);
    } else {
        const struct rotation *rotation = rotator_find(daemon->rotator, adding->name);
        bool held = rotation != NULL && rotation->state == ROTATION_HELD;

        if (held)
            operation_refuse(adding->done, adding->userdata, KT_HELD,
                             "%s: %s stays: keyturn resume %s goes on, keyturn rollback %s gives up", reason,
                             adding->name, adding->name, adding->name);
        else
            operation_refuse(adding->done, adding->userdata, KT_UNREACHABLE,
                             "%s: %s stays, and keyturnd goes on by itself: see keyturn status %s", reason,
                             adding->name, adding->name);
    }
    adding_free(adding);
}

void add_integration(struct daemon *daemon, struct integration *given, bool issue, operation_fn done,
                     void *userdata)
{
    _cleanup_integration_ struct integration *definition = given;
    g_autoptr(GError) error = NULL;
    g_autofree char *rid = NULL;
    struct adding *adding;
    int r;

    if (!check(daemon, definition, issue, &error)) {
        done(error, NULL, userdata);
        return;
    }
    r = define(daemon, definition);
    if (r < 0) {
        operation_refuse(done, userdata, KT_FAILED,
                         "the integration can't be written down: %s: see %s and %s", g_strerror(-r),
                         daemon->paths.config, daemon->paths.state);
        return;
    }
    if (!issue) {
        done(NULL, NULL, userdata);
        return;
    }
    rid = rotate_begin(daemon, registry_find(daemon->registry, definition->name), CAUSE_ADD, &error);
    if (rid == NULL) {
        undefine(daemon, definition->name);
        done(error, NULL, userdata);
        return;
    }
    adding = g_new0(struct adding, 1);
    *adding = (struct adding){daemon, g_strdup(definition->name), done, userdata};
    waits_add(daemon->waits, rid, WAIT_SWAPPED, settled, adding);
}
