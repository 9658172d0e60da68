/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys to JSON and back. */
#include "sandbox/views.h"

#include "sandbox/text.h"

json_object *view_key(const struct key *key)
{
    json_object *view = json_object_new_object();

    json_add_text(view, "id", key->id);
    json_add_text(view, "name", key->name);
    json_add_text(view, "type", key_type_name(key->type));
    json_add_text(view, "access", key->full ? "full" : "custom");
    json_object_object_add(view, "permissions", json_new_strv(key->permissions));
    json_add_text(view, "last4", key->last4);
    json_add_time(view, "created_at", key->created_at);
    json_add_time(view, "last_used_at", key->last_used_at);
    return view;
}

json_object *view_record(const struct key *key)
{
    json_object *record = view_key(key);

    json_object_object_del(record, "last_used_at");
    json_add_text(record, "sha256", key->hash);
    json_add_text(record, "origin", key->origin);
    if (key->idempotency_key != NULL) {
        json_add_text(record, "idempotency_key", key->idempotency_key);
        json_add_text(record, "body_sha256", key->body_hash);
    }
    return record;
}

static void take_text(char **field, json_object *record, const char *member)
{
    g_free(*field);
    *field = g_strdup(json_text_of(record, member));
}

struct key *view_read_record(json_object *record)
{
    struct key *key = key_new();
    const char *created_at = json_text_of(record, "created_at");

    take_text(&key->id, record, "id");
    take_text(&key->name, record, "name");
    take_text(&key->last4, record, "last4");
    take_text(&key->hash, record, "sha256");
    take_text(&key->origin, record, "origin");
    take_text(&key->idempotency_key, record, "idempotency_key");
    take_text(&key->body_hash, record, "body_sha256");
    key->full = g_strcmp0(json_text_of(record, "access"), "full") == 0;
    key->permissions = json_strv(json_object_object_get(record, "permissions"));
    if (key->id == NULL || key->name == NULL || key->last4 == NULL || key->hash == NULL ||
        key->permissions == NULL || !key_type_parse(json_text_of(record, "type"), &key->type) ||
        created_at == NULL || text_parse_time(created_at, &key->created_at) < 0)
        return key_free(key);
    return key;
}

json_object *view_history(const struct key *key, usec_t now)
{
    json_object *view = view_key(key);

    json_add_time(view, "deleted_at", key->deleted_at);
    json_add_text(view, "origin", key->origin);
    json_add_text(view, "idempotency_key", key->idempotency_key);
    json_object_object_add(view, "valid", json_object_new_boolean(key_works(key, now)));
    return view;
}
