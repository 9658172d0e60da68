/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wrong permissions, ids, types, totals: one function each. */
#include "sandbox/spoil-json.h"

#include <string.h>

#include "sandbox/keys.h"

#define HUGE (2 * 1024 * 1024)

typedef void (*key_fn)(json_object *key, const char *argument);

bool spoil_widen(char ***permissions)
{
    for (size_t i = 0; key_scopes[i] != NULL; i++)
        if (!g_strv_contains((const char *const *)*permissions, key_scopes[i])) {
            size_t n = g_strv_length(*permissions);

            *permissions = g_renew(char *, *permissions, n + 2);
            (*permissions)[n] = g_strdup(key_scopes[i]);
            (*permissions)[n + 1] = NULL;
            return false;
        }
    g_strfreev(*permissions);
    *permissions = g_new0(char *, 1);
    return true;
}

void spoil_exchange(char ***permissions)
{
    const bool same = g_strcmp0((*permissions)[0], "channels:read") == 0;

    g_strfreev(*permissions);
    *permissions = g_strsplit(same ? "contacts:read" : "channels:read", ";", -1);
}

/* Calls fn for the Key, or the Keys of a list, that body shows. */
static void each_key(json_object *body, key_fn fn, const char *argument)
{
    json_object *data;

    if (json_object_object_get_ex(body, "last4", NULL))
        fn(body, argument);
    if (!json_object_object_get_ex(body, "data", &data))
        return;
    for (size_t i = 0; i < json_object_array_length(data); i++)
        fn(json_object_array_get_idx(data, i), argument);
}

static void set_permissions(json_object *key, const char *widen)
{
    g_auto(GStrv) permissions = json_strv(json_object_object_get(key, "permissions"));

    if (permissions == NULL)
        return;
    if (widen == NULL)
        spoil_exchange(&permissions);
    json_add_text(key, "access", widen != NULL && spoil_widen(&permissions) ? "full" : "custom");
    json_object_object_add(key, "permissions", json_new_strv(permissions));
}

static void set_last4(json_object *key, const char *unused)
{
    const bool same = g_strcmp0(json_text_of(key, "last4"), "XXXX") == 0;

    json_add_text(key, "last4", same ? "YYYY" : "XXXX");
}

static void set_id(json_object *key, const char *id)
{
    if (id != NULL)
        json_add_text(key, "id", id);
}

static void drop_last_used(json_object *key, const char *unused)
{
    json_object_object_del(key, "last_used_at");
}

static json_object *of_wrong_type(json_object *value)
{
    if (json_object_is_type(value, json_type_string))
        return json_object_new_int(7);
    if (value == NULL)
        return json_object_new_object();
    return json_object_new_string("seven");
}

/* Objects and arrays stay, all within them becomes of another type. */
static void confuse_types(json_object *value)
{
    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            json_object *element = json_object_array_get_idx(value, i);

            if (json_object_is_type(element, json_type_object))
                confuse_types(element);
            else
                json_object_array_put_idx(value, i, of_wrong_type(element));
        }
        return;
    }
    json_object_object_foreach(value, name, member)
    {
        if (json_object_is_type(member, json_type_object) || json_object_is_type(member, json_type_array))
            confuse_types(member);
        else
            json_object_object_add(value, name, of_wrong_type(member));
    }
}

static void drop_fields(json_object *object, const char *unused)
{
    static const char *const fields[] = {"id", "last4", "key", "error"};

    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        json_object_object_del(object, fields[i]);
}

static void drop_all_fields(json_object *body)
{
    json_object *pagination;

    each_key(body, drop_fields, NULL);
    drop_fields(body, NULL);
    if (json_object_object_get_ex(body, "pagination", &pagination))
        json_object_object_del(pagination, "total");
}

static void inflate(json_object *body)
{
    g_autofree char *padding = g_strnfill(HUGE, 'x');

    json_add_text(body, "padding", padding);
}

/* A key stands there twice and another is missing; of a single one there are just two. */
static void duplicate(json_object *data)
{
    const size_t n = json_object_array_length(data);

    if (n > 0)
        json_object_array_put_idx(data, n > 1 ? n - 1 : 1,
                                  json_object_get(json_object_array_get_idx(data, 0)));
}

static void spoil_list(const struct fault *fault, json_object *body)
{
    json_object *data, *pagination;

    if (!json_object_object_get_ex(body, "data", &data) ||
        !json_object_object_get_ex(body, "pagination", &pagination))
        return;
    if (fault->kind == FAULT_LIST_DUPLICATE)
        duplicate(data);
    if (fault->kind == FAULT_LIST_DROPS_ONE && json_object_array_length(data) > 0)
        json_object_array_del_idx(data, 0, 1);
    if (fault->kind == FAULT_ENDLESS_LIST)
        json_object_object_add(pagination, "has_more", json_object_new_boolean(TRUE));
    if (fault->kind == FAULT_LIST_TOTAL_CHANGES)
        json_object_object_add(
            pagination, "total",
            json_object_new_int64(json_number_of(pagination, "total", 0) + fault->applied));
}

void spoil_json(const struct fault *fault, unsigned status, json_object *body, const char *other_id)
{
    switch ((int)fault->kind) {
    case FAULT_WIDEN_PERMISSIONS: /* a key just created has them in truth */
        if (status == 200)
            each_key(body, set_permissions, "widen");
        return;
    case FAULT_OTHER_PERMISSIONS:
        if (status == 200)
            each_key(body, set_permissions, NULL);
        return;
    case FAULT_WRONG_LAST4:
        each_key(body, set_last4, NULL);
        return;
    case FAULT_SAME_ID:
        each_key(body, set_id, other_id);
        return;
    case FAULT_NO_LAST_USED:
        each_key(body, drop_last_used, NULL);
        return;
    case FAULT_HUGE_BODY:
        inflate(body);
        return;
    case FAULT_WRONG_TYPES:
        confuse_types(body);
        return;
    case FAULT_MISSING_FIELDS:
        drop_all_fields(body);
        return;
    }
    spoil_list(fault, body);
}
