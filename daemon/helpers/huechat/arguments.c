/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments of org.keyturn1.Provider. Touches messages and nothing else. */
#include "daemon/helpers/huechat/arguments.h"

#include <string.h>

#include <glib.h>

#include "daemon/helpers/huechat/contract.h"
#include "daemon/util/text.h"
#include "dbus/names.h"

#define LIMIT_MAX 1000
#define NAME_BYTES_MAX 256

static int senseless(sd_bus_error *ret_error, const char *what)
{
    return sd_bus_error_setf(ret_error, KT_ERROR_INVALID_ARGS, "The %s makes no sense", what);
}

static int read_word(sd_bus_message *m, const char *what, size_t max, const char **ret,
                     sd_bus_error *ret_error)
{
    int r = sd_bus_message_read(m, "s", ret);

    return r < 0 ? r : text_is_word(*ret, max) ? 0 : senseless(ret_error, what);
}

int arguments_read_key(sd_bus_message *m, const char **ret, sd_bus_error *ret_error)
{
    return read_word(m, "key", CONTRACT_SECRET_MAX, ret, ret_error);
}

int arguments_read_idempotency_key(sd_bus_message *m, const char **ret, sd_bus_error *ret_error)
{
    return read_word(m, "idempotency key", CONTRACT_ID_MAX, ret, ret_error);
}

/* Dots alone lead somewhere else, encoded or not. */
int arguments_read_id(sd_bus_message *m, const char **ret, sd_bus_error *ret_error)
{
    int r = read_word(m, "id", CONTRACT_ID_MAX, ret, ret_error);

    return r < 0 || strspn(*ret, ".") < strlen(*ret) ? r : senseless(ret_error, "id");
}

int arguments_read_page(sd_bus_message *m, unsigned *ret_limit, unsigned *ret_offset, sd_bus_error *ret_error)
{
    int r = sd_bus_message_read(m, "uu", ret_limit, ret_offset);

    return r < 0 || (*ret_limit > 0 && *ret_limit <= LIMIT_MAX) ? r : senseless(ret_error, "limit");
}

static bool are_words(char **list)
{
    for (; list && *list; list++)
        if (!text_is_word(*list, CONTRACT_ID_MAX))
            return false;
    return true;
}

/* At other vendors a custom key without permissions has meant full access. */
static bool is_sensible(const char *access, char **permissions)
{
    if (!are_words(permissions))
        return false;
    if (strcmp(access, "custom") == 0)
        return permissions && *permissions;
    return strcmp(access, "full") == 0;
}

int arguments_read_wish(sd_bus_message *m, char **ret, sd_bus_error *ret_error)
{
    g_auto(GStrv) permissions = NULL;
    const char *name, *type, *access;
    char *const none[] = {NULL};
    int r;

    r = sd_bus_message_read(m, "sss", &name, &type, &access);
    if (r >= 0)
        r = sd_bus_message_read_strv(m, &permissions);
    if (r < 0)
        return r;
    if (!text_is_name(name, NAME_BYTES_MAX))
        return senseless(ret_error, "name");
    if (strcmp(type, "live") != 0 && strcmp(type, "test") != 0)
        return senseless(ret_error, "type");
    if (!is_sensible(access, permissions))
        return senseless(ret_error, "access, with these permissions,");
    *ret = contract_write_key(name, type, access, permissions ? permissions : none);
    return 0;
}
