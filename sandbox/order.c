/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every way in which an order can make no sense has an answer of its own. */
#include "sandbox/order.h"

#include <string.h>

void order_clear(struct order *order)
{
    g_free(order->name);
    g_strfreev(order->permissions);
    *order = (struct order){0};
}

static struct reply *invalid(const char *field, const char *message)
{
    json_object *details = NULL;

    if (field != NULL) {
        details = json_object_new_object();
        json_add_text(details, "field", field);
    }
    return reply_error(400, details, "%s", message);
}

static struct reply *read_name(json_object *body, char **ret)
{
    const char *name = json_text_of(body, "name");

    if (name == NULL || *name == '\0')
        return invalid("name", "name is required");
    if (g_utf8_strlen(name, -1) > KEY_NAME_MAX)
        return invalid("name", "name must not be longer than " G_STRINGIFY(KEY_NAME_MAX) " characters");
    *ret = g_strdup(name);
    return NULL;
}

static struct reply *unknown_permission(const char *permission)
{
    json_object *details = json_object_new_object();

    json_add_text(details, "field", "permissions");
    json_add_text(details, "unknown", permission);
    json_object_object_add(details, "known", json_new_strv((char **)key_scopes));
    return reply_error(400, details, "Unknown permission: %s", permission);
}

static struct reply *check_permissions(char *const *permissions, bool full)
{
    if (full && permissions[0] != NULL)
        return invalid("permissions", "permissions can't be given with full access");
    if (!full && permissions[0] == NULL)
        return invalid("permissions", "permissions must not be empty with custom access");
    for (size_t i = 0; permissions[i] != NULL; i++) {
        if (!g_strv_contains(key_scopes, permissions[i]))
            return unknown_permission(permissions[i]);
        for (size_t j = 0; j < i; j++)
            if (strcmp(permissions[i], permissions[j]) == 0)
                return invalid("permissions", "permissions must not repeat");
    }
    return NULL;
}

static struct reply *read_access(json_object *body, bool *ret_full, char ***ret_permissions)
{
    const char *access = json_text_of(body, "access");
    const bool full = g_strcmp0(access, "full") == 0;
    g_auto(GStrv) permissions = NULL;
    json_object *list = NULL;
    struct reply *error;

    if (!full && g_strcmp0(access, "custom") != 0)
        return invalid("access", "access must be full or custom");
    json_object_object_get_ex(body, "permissions", &list);
    permissions = list != NULL ? json_strv(list) : g_new0(char *, 1);
    if (permissions == NULL)
        return invalid("permissions", "permissions must be a list of scopes");
    error = check_permissions(permissions, full);
    if (error != NULL)
        return error;
    *ret_full = full;
    *ret_permissions = g_steal_pointer(&permissions);
    return NULL;
}

struct reply *order_read(json_object *body, struct order *ret)
{
    struct order order = {0};
    struct reply *error;

    if (!json_object_is_type(body, json_type_object))
        return invalid(NULL, "The request body is not a JSON object");
    error = read_name(body, &order.name);
    if (error == NULL && !key_type_parse(json_text_of(body, "type"), &order.type))
        error = invalid("type", "type must be live or test");
    if (error == NULL)
        error = read_access(body, &order.full, &order.permissions);
    if (error == NULL)
        *ret = order;
    else
        order_clear(&order);
    return error;
}
