/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A table of what there is, and one function each. Nothing of this gets into the ledger's requests. */
#include "sandbox/admin.h"

#include <string.h>

#include "sandbox/text.h"
#include "sandbox/views.h"

#define ROOT "/sandbox/"
#define CLOCK_MAX (INT64_C(100) * 365 * 86400)

/* id is what follows the path, body the JSON that came, NULL if none. */
typedef struct reply *(*admin_fn)(struct sandbox *sandbox, const char *id, json_object *body);

static struct reply *show_ledger(struct sandbox *sandbox, const char *id, json_object *body)
{
    const GPtrArray *all = keys_all(sandbox->keys);
    json_object *ledger = json_object_new_object(), *keys = json_object_new_array();

    for (unsigned i = 0; i < all->len; i++)
        json_object_array_add(keys, view_history(g_ptr_array_index(all, i), clock_now()));
    json_object_object_add(ledger, "keys", keys);
    json_object_object_add(ledger, "requests", ledger_requests(sandbox->ledger));
    return reply_new(200, ledger);
}

static struct reply *show_faults(struct sandbox *sandbox, const char *id, json_object *body)
{
    return reply_new(200, faults_show(sandbox->faults));
}

static struct reply *set_faults(struct sandbox *sandbox, const char *id, json_object *body)
{
    g_autofree char *error = NULL;
    GArray *faults = faults_read(body, &error);

    if (faults == NULL)
        return reply_error(400, NULL, "%s", error);
    g_array_unref(sandbox->faults);
    sandbox->faults = faults;
    return show_faults(sandbox, id, body);
}

static struct reply *create(struct sandbox *sandbox, const struct order *order, json_object *body)
{
    const struct key like = {.origin = (char *)"dashboard"};
    const char *created = json_text_of(body, "created_at");
    usec_t created_at = sandbox_now(sandbox);
    g_autofree char *secret = NULL;
    const struct key *key;
    json_object *answer;

    if (created != NULL && text_parse_time(created, &created_at) < 0)
        return reply_error(400, NULL, "created_at must be a time as in 2026-01-05T09:00:00Z");
    key = sandbox_create(sandbox, order, &like, key_type_prefix(order->type), created_at, &secret);
    answer = view_key(key);
    json_add_text(answer, "key", secret);
    return reply_new(201, answer);
}

static struct reply *create_key(struct sandbox *sandbox, const char *id, json_object *body)
{
    struct order order = {0};
    struct reply *reply = order_read(body, &order);

    if (reply == NULL)
        reply = create(sandbox, &order, body);
    order_clear(&order);
    return reply;
}

static struct reply *delete_key(struct sandbox *sandbox, const char *id, json_object *body)
{
    struct key *key = keys_by_id(sandbox->keys, id);

    if (key == NULL || key->deleted_at > 0)
        return reply_error(404, NULL, "There is no API key of that id");
    sandbox_delete(sandbox, key);
    return reply_new(204, NULL);
}

static struct reply *show_clock(struct sandbox *sandbox, const char *id, json_object *body)
{
    json_object *clock = json_object_new_object();

    json_object_object_add(clock, "offset_seconds",
                           json_object_new_int64(sandbox->clock_offset / (gint64)USEC_PER_SEC));
    json_add_time(clock, "now", sandbox_now(sandbox));
    return reply_new(200, clock);
}

static struct reply *set_clock(struct sandbox *sandbox, const char *id, json_object *body)
{
    gint64 seconds = json_number_of(body, "offset_seconds", INT64_MAX);

    if (seconds > CLOCK_MAX || seconds < -CLOCK_MAX || (gint64)(clock_now() / USEC_PER_SEC) + seconds <= 0)
        return reply_error(400, NULL, "offset_seconds must be a whole number of seconds");
    sandbox->clock_offset = seconds * (gint64)USEC_PER_SEC;
    sandbox_check(sandbox, ledger_clock(sandbox->ledger, sandbox->clock_offset));
    return show_clock(sandbox, id, body);
}

static const struct {
    const char *method;
    const char *path; /* with a slash at the end: an id follows */
    admin_fn fn;
} routes[] = {
    {"GET", "ledger", show_ledger}, {"GET", "faults", show_faults},  {"POST", "faults", set_faults},
    {"POST", "keys", create_key},   {"DELETE", "keys/", delete_key}, {"GET", "clock", show_clock},
    {"POST", "clock", set_clock},
};

static struct reply *dispatch(struct sandbox *sandbox, const struct request *request, const char *path)
{
    g_autoptr(json_object) body =
        request->too_large ? NULL : json_parse(request->body->str, request->body->len);

    for (size_t i = 0; i < G_N_ELEMENTS(routes); i++) {
        const size_t length = strlen(routes[i].path);
        const bool takes_id = routes[i].path[length - 1] == '/';

        if (strcmp(request->method, routes[i].method) == 0 && strncmp(path, routes[i].path, length) == 0 &&
            (path[length] != '\0') == takes_id)
            return routes[i].fn(sandbox, path + length, body);
    }
    return reply_error(404, NULL, "There is no %s of " ROOT "%s", request->method, path);
}

struct reply *admin_answer(struct sandbox *sandbox, const struct request *request)
{
    struct reply *reply;

    if (!g_str_has_prefix(request->path, ROOT))
        return NULL;
    reply = dispatch(sandbox, request, request->path + strlen(ROOT));
    reply_render(reply);
    return reply;
}
