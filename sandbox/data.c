/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An array of JSON objects for each environment and resource. Any object can be posted: this is no model of
 * HueChat's data, only something that a key opens. */
#include "sandbox/data.h"

#include "sandbox/page.h"
#include "sandbox/text.h"

#define POSTED_MAX 1000

struct data {
    json_object *items[KEY_TEST + 1][RESOURCE_COUNT];
};

static const struct {
    enum resource resource;
    const char *json;
} samples[] = {
    {RESOURCE_CONTACTS, "{\"name\":\"Ada Example\",\"phone\":\"+15550100\"}"},
    {RESOURCE_CONTACTS, "{\"name\":\"Bo Example\",\"phone\":\"+15550101\"}"},
    {RESOURCE_CONVERSATIONS, "{\"status\":\"open\",\"channel\":\"webchat\"}"},
    {RESOURCE_CHANNELS, "{\"type\":\"webchat\",\"status\":\"connected\"}"},
    {RESOURCE_WEBHOOKS, "{\"url\":\"https://example.com/hook\",\"events\":[\"message.received\"]}"},
    {RESOURCE_USERS, "{\"name\":\"Owner\",\"role\":\"admin\"}"},
};

static json_object *put_item(json_object *items, enum resource resource, json_object *fields, usec_t now)
{
    g_autofree char *id = text_random(resource_prefix(resource), TEXT_HEX, 16);
    json_object *item = json_object_new_object();

    json_add_text(item, "id", id);
    json_object_object_foreach(fields, name, value)
    {
        if (g_strcmp0(name, "id") != 0 && g_strcmp0(name, "created_at") != 0)
            json_object_object_add(item, name, json_object_get(value));
    }
    json_add_time(item, "created_at", now);
    json_object_array_add(items, item);
    return item;
}

struct data *data_new(usec_t now)
{
    struct data *data = g_new0(struct data, 1);

    for (enum key_type type = KEY_LIVE; type <= KEY_TEST; type++) {
        for (enum resource r = 0; r < RESOURCE_COUNT; r++)
            data->items[type][r] = json_object_new_array();
        for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
            g_autoptr(json_object) fields = json_tokener_parse(samples[i].json);

            put_item(data->items[type][samples[i].resource], samples[i].resource, fields, now);
        }
    }
    return data;
}

struct data *data_free(struct data *data)
{
    if (data == NULL)
        return NULL;
    for (enum key_type type = KEY_LIVE; type <= KEY_TEST; type++)
        for (enum resource r = 0; r < RESOURCE_COUNT; r++)
            json_object_put(data->items[type][r]);
    g_free(data);
    return NULL;
}

/* Its index, or the length. */
static size_t find(json_object *items, const char *id)
{
    size_t i = 0;

    while (i < json_object_array_length(items) &&
           g_strcmp0(json_text_of(json_object_array_get_idx(items, i), "id"), id) != 0)
        i++;
    return i;
}

static struct reply *list(json_object *items, const struct request *request)
{
    struct page page;
    struct reply *error = page_read(request, &page);

    return error != NULL ? error : reply_new(200, page_cut(&page, json_object_get(items)));
}

static struct reply *post(json_object *items, enum resource resource, const struct request *request,
                          usec_t now)
{
    g_autoptr(json_object) fields = json_parse(request->body->str, request->body->len);

    if (request->too_large || !json_object_is_type(fields, json_type_object))
        return reply_error(400, NULL, "The request body is not a JSON object");
    if (json_object_array_length(items) >= POSTED_MAX)
        return reply_error(422, NULL, "The sandbox keeps %d of them and no more", POSTED_MAX);
    return reply_new(201, json_object_get(put_item(items, resource, fields, now)));
}

struct reply *data_answer(struct data *data, enum key_type type, const struct route *route,
                          const struct request *request, usec_t now)
{
    json_object *items = data->items[type][route->resource];
    size_t at;

    if (route->verb == VERB_LIST)
        return list(items, request);
    if (route->verb == VERB_CREATE)
        return post(items, route->resource, request, now);
    at = find(items, route->id);
    if (at == json_object_array_length(items))
        return reply_error(404, NULL, "There is no %s of that id", resource_name(route->resource));
    if (route->verb == VERB_GET)
        return reply_new(200, json_object_get(json_object_array_get_idx(items, at)));
    json_object_array_del_idx(items, at, 1);
    return reply_new(204, NULL);
}
