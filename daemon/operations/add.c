/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ledger, file, memory, first rotation; and all of it back when the first key can't be had. In system mode
 * root's command may have written the file itself: then it asks for the first key of just that, and takes its
 * file back. */
#include "daemon/operations/add.h"

#include "daemon/definitions.h"
#include "daemon/folders.h"
#include "daemon/rotate.h"
#include "daemon/waits.h"

struct adding {
    struct daemon *daemon;
    char *name;
    bool is_roots; /* its file is not keyturnd's to take back */
    operation_fn done;
    void *userdata;
};

static void adding_free(struct adding *adding)
{
    g_free(adding->name);
    g_free(adding);
}

/* Whether nobody has it yet. */
static bool check_new(struct daemon *daemon, const struct integration *definition, GError **error)
{
    const char *name = definition->name;
    const struct entry *entry = registry_find(daemon->registry, name);
    bool has_roots = folders_has_roots(daemon, name);

    if (entry == NULL && !has_roots)
        return true;
    if (has_roots && (entry == NULL || entry->keys->len == 0) &&
        rotator_find(daemon->rotator, name) == NULL) {
        if (!definitions_load_roots(daemon, name, error))
            return false;
        entry = registry_find(daemon->registry, name);
        if (integration_equal(entry->definition, definition))
            return true;
    }
    g_set_error(error, KT_ERROR, KT_EXISTS, "there is an integration %s already: keyturn edit %s changes it",
                name, name);
    return false;
}

/* In system mode units are root's to name, in a file. */
static bool check_units(struct daemon *daemon, const struct integration *definition, GError **error)
{
    if (!daemon->system_mode || !integration_has_units(definition) ||
        folders_has_roots(daemon, definition->name))
        return true;
    g_set_error(
        error, KT_ERROR, KT_DENIED,
        "ReloadUnits, RestartUnits and StartUnits let systemd act, so they stand in root's files alone: "
        "as root, keyturn --system add %s writes one",
        definition->name);
    return false;
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
    if (!check_new(daemon, definition, error) || !check_units(daemon, definition, error))
        return false;
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
    int r = folders_write(daemon, definition);
    struct entry *entry;

    if (r < 0)
        return r;
    r = ledger_put_integration(daemon->ledger, definition->name, definition->environment);
    if (r < 0) {
        folders_delete(daemon, definition->name);
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
    int r = folders_delete(daemon, name);

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

        if (!adding->is_roots)
            undefine(daemon, adding->name);
        operation_refuse(adding->done, adding->userdata, code, "%s: %s", reason,
                         adding->is_roots ? "no key was issued" : "nothing was added");
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
    bool is_roots;
    int r;

    if (!check(daemon, definition, issue, &error)) {
        done(error, NULL, userdata);
        return;
    }
    is_roots = folders_has_roots(daemon, definition->name);
    r = is_roots ? 0 : define(daemon, definition);
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
        if (!is_roots)
            undefine(daemon, definition->name);
        done(error, NULL, userdata);
        return;
    }
    adding = g_new0(struct adding, 1);
    *adding = (struct adding){daemon, g_strdup(definition->name), is_roots, done, userdata};
    waits_add(daemon->waits, rid, WAIT_SWAPPED, settled, adding);
}
