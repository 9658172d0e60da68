/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wrong permissions, ids, types, totals: one function each, and the tables that choose them. */
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

static void show_permissions(json_object *key, bool full, char *const *permissions)
{
    json_add_text(key, "access", full ? "full" : "custom");
    json_object_object_add(key, "permissions", json_new_strv(permissions));
}

static void widen(json_object *key, const char *unused)
{
    g_auto(GStrv) permissions = json_strv(json_object_object_get(key, "permissions"));
    bool full;

    if (g_strcmp0(json_text_of(key, "access"), "full") == 0)
        return;
    full = spoil_widen(&permissions);
    show_permissions(key, full, permissions);
}

static void exchange(json_object *key, const char *unused)
{
    g_auto(GStrv) permissions = json_strv(json_object_object_get(key, "permissions"));

    spoil_exchange(&permissions);
    show_permissions(key, false, permissions);
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
static void duplicate(const struct fault *fault, json_object *data, json_object *pagination)
{
    const size_t n = json_object_array_length(data);

    if (n > 0)
        json_object_array_put_idx(data, n > 1 ? n - 1 : 1,
                                  json_object_get(json_object_array_get_idx(data, 0)));
}

static void drop_one(const struct fault *fault, json_object *data, json_object *pagination)
{
    if (json_object_array_length(data) > 0)
        json_object_array_del_idx(data, 0, 1);
}

static void promise_more(const struct fault *fault, json_object *data, json_object *pagination)
{
    json_object_object_add(pagination, "has_more", json_object_new_boolean(TRUE));
}

static void raise_total(const struct fault *fault, json_object *data, json_object *pagination)
{
    gint64 total = json_number_of(pagination, "total", 0) + fault->applied;

    json_object_object_add(pagination, "total", json_object_new_int64(total));
}

static const key_fn to_keys[FAULT_KINDS] = {
    [FAULT_WIDEN_PERMISSIONS] = widen, [FAULT_OTHER_PERMISSIONS] = exchange,  [FAULT_WRONG_LAST4] = set_last4,
    [FAULT_SAME_ID] = set_id,          [FAULT_NO_LAST_USED] = drop_last_used,
};

static void (*const to_bodies[FAULT_KINDS])(json_object *) = {
    [FAULT_HUGE_BODY] = inflate,
    [FAULT_WRONG_TYPES] = confuse_types,
    [FAULT_MISSING_FIELDS] = drop_all_fields,
};

static void (*const to_lists[FAULT_KINDS])(const struct fault *, json_object *, json_object *) = {
    [FAULT_LIST_TOTAL_CHANGES] = raise_total,
    [FAULT_LIST_DUPLICATE] = duplicate,
    [FAULT_LIST_DROPS_ONE] = drop_one,
    [FAULT_ENDLESS_LIST] = promise_more,
};

/* A key that was just created has its permissions in truth (spoil_order). */
static bool is_true(enum fault_kind kind, unsigned status)
{
    return status == 201 && (kind == FAULT_WIDEN_PERMISSIONS || kind == FAULT_OTHER_PERMISSIONS);
}

void spoil_json(const struct fault *fault, unsigned status, json_object *body, const char *other_id)
{
    const enum fault_kind kind = fault->kind;
    json_object *data, *pagination;

    if (to_keys[kind] != NULL && !is_true(kind, status))
        each_key(body, to_keys[kind], other_id);
    if (to_bodies[kind] != NULL)
        to_bodies[kind](body);
    if (to_lists[kind] != NULL && json_object_object_get_ex(body, "data", &data) &&
        json_object_object_get_ex(body, "pagination", &pagination))
        to_lists[kind](fault, data, pagination);
}
