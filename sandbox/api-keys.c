/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract for keys. Faults that change what HueChat does, not only what it says, are here. */
#include "sandbox/api-keys.h"

#include "sandbox/page.h"
#include "sandbox/spoil.h"
#include "sandbox/text.h"
#include "sandbox/views.h"

static struct reply *list_keys(struct visit *visit)
{
    g_autoptr(GPtrArray) keys = keys_living(visit->sandbox->keys, visit->key->type);
    json_object *all;
    struct page page;
    struct reply *error = page_read(visit->request, &page);

    if (error != NULL)
        return error;
    all = json_object_new_array();
    for (unsigned i = 0; i < keys->len; i++)
        json_object_array_add(all, view_key(g_ptr_array_index(keys, i)));
    if (visit_fault(visit, FAULT_ENDLESS_LIST) != NULL)
        page.offset %= MAX(keys->len, 1);
    return reply_new(200, page_cut(&page, all));
}

static struct key *living(struct visit *visit)
{
    struct key *key = keys_by_id(visit->sandbox->keys, visit->route.id);

    return key != NULL && key->deleted_at == 0 && key->type == visit->key->type ? key : NULL;
}

static struct reply *not_found(void)
{
    return reply_error(404, NULL, "There is no API key of that id");
}

static struct reply *get_key(struct visit *visit)
{
    struct key *key = living(visit);

    return key != NULL ? reply_new(200, view_key(key)) : not_found();
}

static struct reply *delete_key(struct visit *visit)
{
    const struct fault *fault = visit_fault(visit, FAULT_STILL_VALID);
    struct key *key = living(visit);

    if (key == NULL)
        return not_found();
    sandbox_delete(visit->sandbox, key);
    if (fault != NULL)
        key->works_until = clock_now() + (usec_t)fault->seconds * USEC_PER_SEC;
    return reply_new(204, NULL);
}

static json_object *create_key(struct visit *visit, const struct order *order, const struct key *like)
{
    const struct fault *unknown_yet = visit_fault(visit, FAULT_UNAUTHORIZED_FOR_A_WHILE);
    enum key_type prefix = order->type;
    g_autofree char *secret = NULL;
    struct key *key;
    json_object *answer;

    if (visit_fault(visit, FAULT_WRONG_PREFIX) != NULL)
        prefix = prefix == KEY_LIVE ? KEY_TEST : KEY_LIVE;
    key = sandbox_create(visit->sandbox, order, like, key_type_prefix(prefix), visit->now, &secret);
    if (prefix != order->type)
        key->works_from = USEC_INFINITY;
    if (unknown_yet != NULL)
        key->works_from = clock_now() + (usec_t)unknown_yet->seconds * USEC_PER_SEC;
    answer = view_key(key);
    json_add_text(answer, "key", secret);
    return answer;
}

/* A repeated request gets the answer of the first one, as long as that is remembered. NULL: it is no
 * repetition. */
static struct reply *replayed(struct visit *visit, const struct key *like)
{
    json_object *answer, *again = NULL;

    if (like->idempotency_key == NULL)
        return NULL;
    switch (replay_find(visit->sandbox->replay, visit->key->type, like->idempotency_key, like->body_hash,
                        visit->now, &answer)) {
    case REPLAY_NEW:
        return NULL;
    case REPLAY_SAME:
        json_object_deep_copy(answer, &again, NULL);
        return reply_new(201, again);
    case REPLAY_CONFLICT:
        return reply_error(409, NULL, "This Idempotency-Key came with another request before");
    case REPLAY_GONE:
        return reply_error(409, NULL, "This request was answered before, and its key can't be shown again");
    }
    g_assert_not_reached();
}

static struct reply *other_type(struct visit *visit, const struct order *order)
{
    json_object *details = json_object_new_object();

    json_add_text(details, "required_permission", "admin:write");
    json_object_object_add(details, "key_permissions", json_new_strv(visit->key->permissions));
    return reply_error(403, details, "A %s key can't create %s keys", key_type_name(visit->key->type),
                       key_type_name(order->type));
}

static struct reply *place(struct visit *visit, struct order *order, const struct key *like)
{
    struct reply *reply;
    json_object *answer;

    if (order->type != visit->key->type)
        return other_type(visit, order);
    reply = visit_fault(visit, FAULT_FORGET_IDEMPOTENCY) == NULL ? replayed(visit, like) : NULL;
    if (reply != NULL)
        return reply;
    if (visit->faulty)
        spoil_order(&visit->fault, order);
    answer = create_key(visit, order, like);
    if (like->idempotency_key != NULL) {
        g_autoptr(json_object) kept = NULL;

        json_object_deep_copy(answer, &kept, NULL);
        replay_add(visit->sandbox->replay, order->type, like->idempotency_key, like->body_hash, kept,
                   visit->now);
    }
    return reply_new(201, answer);
}

static struct reply *create(struct visit *visit)
{
    const struct request *request = visit->request;
    g_autoptr(json_object) body =
        request->too_large ? NULL : json_parse(request->body->str, request->body->len);
    g_autofree char *hash = text_hash(request->body->str);
    g_autofree char *idempotency_key = text_shown(request->idempotency_key);
    const struct key like = {.origin = (char *)"api", .idempotency_key = idempotency_key, .body_hash = hash};
    struct order order = {0};
    struct reply *reply = order_read(body, &order);

    if (reply == NULL)
        reply = place(visit, &order, &like);
    order_clear(&order);
    return reply;
}

struct reply *api_keys(struct visit *visit)
{
    switch (visit->route.verb) {
    case VERB_LIST:
        return list_keys(visit);
    case VERB_GET:
        return get_key(visit);
    case VERB_CREATE:
        return create(visit);
    case VERB_DELETE:
        return delete_key(visit);
    }
    g_assert_not_reached();
}
