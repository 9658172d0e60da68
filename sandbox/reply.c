/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers: documented errors, and pages of somebody in between. */
#include "sandbox/reply.h"

static const struct {
    unsigned status;
    const char *error;
} errors[] = {
    {400, "invalid_input"}, {401, "unauthorized"},        {403, "forbidden"},    {404, "not_found"},
    {409, "conflict"},      {422, "unprocessable"},       {429, "rate_limited"}, {500, "internal_error"},
    {502, "bad_gateway"},   {503, "service_unavailable"},
};

static const char *error_of(unsigned status)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        if (errors[i].status == status)
            return errors[i].error;
    g_assert_not_reached();
}

static void clear_header(void *header)
{
    g_free(((struct header *)header)->name);
    g_free(((struct header *)header)->value);
}

struct reply *reply_new(unsigned status, json_object *json)
{
    struct reply *reply = g_new0(struct reply, 1);

    reply->status = status;
    reply->json = json;
    reply->headers = g_array_new(FALSE, FALSE, sizeof(struct header));
    g_array_set_clear_func(reply->headers, clear_header);
    return reply;
}

struct reply *reply_free(struct reply *reply)
{
    if (reply == NULL)
        return NULL;
    json_object_put(reply->json);
    g_free(reply->html);
    g_free(reply->text);
    g_array_unref(reply->headers);
    g_free(reply);
    return NULL;
}

struct reply *reply_error(unsigned status, json_object *details, const char *message, ...)
{
    json_object *json = json_object_new_object();
    g_autofree char *text = NULL;
    va_list ap;

    va_start(ap, message);
    text = g_strdup_vprintf(message, ap);
    va_end(ap);
    json_add_text(json, "error", error_of(status));
    json_add_text(json, "message", text);
    json_object_object_add(json, "code", json_object_new_int((int)status));
    json_object_object_add(json, "details", details != NULL ? details : json_object_new_object());
    return reply_new(status, json);
}

struct reply *reply_html(unsigned status, const char *title)
{
    struct reply *reply = reply_new(status, NULL);

    reply->html = g_strdup_printf("<!DOCTYPE html>\n<html><head><title>%u %s</title></head>\n"
                                  "<body><h1>%u %s</h1></body></html>\n",
                                  status, title, status, title);
    return reply;
}

struct reply *reply_none(enum delivery delivery)
{
    struct reply *reply = reply_new(0, NULL);

    reply->delivery = delivery;
    return reply;
}

void reply_set_header(struct reply *reply, const char *name, const char *format, ...)
{
    struct header header = {g_strdup(name), NULL};
    va_list ap;

    for (unsigned i = 0; i < reply->headers->len; i++)
        if (g_ascii_strcasecmp(g_array_index(reply->headers, struct header, i).name, name) == 0)
            g_array_remove_index(reply->headers, i--);
    if (format == NULL) {
        g_free(header.name);
        return;
    }
    va_start(ap, format);
    header.value = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_array_append_val(reply->headers, header);
}

void reply_render(struct reply *reply)
{
    if (reply->json != NULL)
        reply_set_header(reply, "Content-Type", "application/json");
    else if (reply->html != NULL)
        reply_set_header(reply, "Content-Type", "text/html; charset=utf-8");
    if (reply->text != NULL)
        return;
    if (reply->json != NULL)
        reply->text = g_strdup(json_object_to_json_string_ext(
            reply->json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    else
        reply->text = g_strdup(reply->html != NULL ? reply->html : "");
}
