/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What operations share. */
#include "daemon/operations/operation.h"

#include <stdarg.h>

void operation_refuse(operation_fn done, void *userdata, int code, const char *format, ...)
{
    g_autoptr(GError) error = NULL;
    va_list arguments;

    va_start(arguments, format);
    error = g_error_new_valist(KT_ERROR, code, format, arguments);
    va_end(arguments);
    done(error, NULL, userdata);
}

bool operation_check_keyring(struct daemon *daemon, GError **error)
{
    if (!keyring_knows_state(daemon->keyring)) {
        g_set_error(error, KT_ERROR, KT_BUSY, "the keyring is being looked for: try again in a moment");
        return false;
    }
    switch (keyring_get_state(daemon->keyring)) {
    case KEYRING_UNLOCKED:
        return true;
    case KEYRING_LOCKED:
        g_set_error_literal(error, KT_ERROR, KT_KEYRING_LOCKED, daemon_keyring_trouble(daemon));
        return false;
    case KEYRING_ABSENT:
        g_set_error_literal(error, KT_ERROR, KT_KEYRING_ABSENT, daemon_keyring_trouble(daemon));
        return false;
    }
    return false;
}

bool operation_check_read(struct daemon *daemon, enum environment environment, GError **error)
{
    const struct entry *entry = registry_find(daemon->registry, management_name(environment));

    if (entry_current(entry) == NULL || entry->secret_missing ||
        daemon_management(daemon, environment) != NULL)
        return true;
    g_set_error(error, KT_ERROR, KT_BUSY, "the keyring is being read: try again in a moment");
    return false;
}

struct entry *operation_find(struct daemon *daemon, const char *name, GError **error)
{
    struct entry *entry = *name != '@' ? registry_find(daemon->registry, name) : NULL;

    if (entry == NULL)
        g_set_error(error, KT_ERROR, KT_NO_SUCH_INTEGRATION,
                    "there is no integration %s: see keyturn list, or add it with keyturn add", name);
    return entry;
}

const struct secret *operation_management(struct daemon *daemon, enum environment environment, GError **error)
{
    const struct entry *entry = registry_find(daemon->registry, management_name(environment));
    const struct secret *management = daemon_management(daemon, environment);
    const char *name = environment_name(environment);

    if (daemon->refused[environment]) {
        g_set_error(error, KT_ERROR, KT_REFUSED,
                    "HueChat refuses the management key of %s: store another one with keyturn login %s", name,
                    name);
        return NULL;
    }
    if (management != NULL)
        return management;
    if (entry_current(entry) == NULL || entry->secret_missing)
        g_set_error(error, KT_ERROR, KT_NO_MANAGEMENT_KEY,
                    "there is no management key for %s: store one with keyturn login %s", name, name);
    else if (operation_check_keyring(daemon, error))
        operation_check_read(daemon, environment, error);
    return NULL;
}

GError *operation_answer_error(const struct answer *answer, const char *what)
{
    const char *message = answer->message != NULL ? answer->message : "";
    const char *id = answer->request_id != NULL ? answer->request_id : "";
    const char *comma = *id != '\0' ? ", request " : "";

    switch (answer_class(answer)) {
    case ANSWER_LIMITED:
        return g_error_new(KT_ERROR, KT_BUSY,
                           "%s: HueChat's rate limit is reached: try again in a minute%s%s", what, comma, id);
    case ANSWER_DENIED:
    case ANSWER_REFUSED:
    case ANSWER_ABSENT:
        return g_error_new(KT_ERROR, KT_REFUSED, "%s: HueChat refused: %s%s%s", what, message, comma, id);
    case ANSWER_UNSENT:
        return g_error_new(KT_ERROR, KT_UNREACHABLE,
                           "%s: HueChat can't be reached (%s): check the network and BaseURL", what, message);
    case ANSWER_OK:
    case ANSWER_UNKNOWN:
        break;
    }
    if (answer->status != 0 && answer->complete)
        return g_error_new(KT_ERROR, KT_UNREACHABLE,
                           "%s: HueChat can't do it now (%u, %s): try again later%s%s", what, answer->status,
                           message, comma, id);
    return g_error_new(KT_ERROR, KT_UNREACHABLE,
                       "%s: HueChat gave no answer that fits (%s): check BaseURL and KeysPath%s%s", what,
                       message, comma, id);
}
