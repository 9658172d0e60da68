/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limit, offset, total, has_more. */
#include "sandbox/page.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 100

static struct reply *read_number(const char *text, const char *name, guint64 min, guint64 max, unsigned *ret)
{
    json_object *details;
    guint64 number;

    if (text == NULL)
        return NULL;
    if (g_ascii_string_to_unsigned(text, 10, min, max, &number, NULL)) {
        *ret = (unsigned)number;
        return NULL;
    }
    details = json_object_new_object();
    json_add_text(details, "field", name);
    return reply_error(400, details, "%s must be a whole number of %u at least and %u at most", name,
                       (unsigned)min, (unsigned)max);
}

struct reply *page_read(const struct request *request, struct page *ret)
{
    struct page page = {LIMIT_DEFAULT, 0};
    struct reply *error = read_number(request->limit, "limit", 1, LIMIT_MAX, &page.limit);

    if (error == NULL)
        error = read_number(request->offset, "offset", 0, INT32_MAX, &page.offset);
    if (error == NULL)
        *ret = page;
    return error;
}

json_object *page_cut(const struct page *page, json_object *all)
{
    const size_t total = json_object_array_length(all);
    const size_t end = MIN(total, (size_t)page->offset + page->limit);
    json_object *list = json_object_new_object(), *data = json_object_new_array();
    json_object *pagination = json_object_new_object();

    for (size_t i = page->offset; i < end; i++)
        json_object_array_add(data, json_object_get(json_object_array_get_idx(all, i)));
    json_object_put(all);
    json_object_object_add(pagination, "limit", json_object_new_int64(page->limit));
    json_object_object_add(pagination, "offset", json_object_new_int64(page->offset));
    json_object_object_add(pagination, "total", json_object_new_int64((gint64)total));
    json_object_object_add(pagination, "has_more", json_object_new_boolean(end < total));
    json_object_object_add(list, "data", data);
    json_object_object_add(list, "pagination", pagination);
    return list;
}
