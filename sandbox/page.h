/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists as HueChat pages them. */
#pragma once

#include "sandbox/reply.h"
#include "sandbox/request.h"

struct page {
    unsigned limit;
    unsigned offset;
};

/* Reads limit (1 to 100, else 20) and offset. Returns NULL, or the error to answer. */
struct reply *page_read(const struct request *request, struct page *ret);

/* {"data":[…],"pagination":{…}}: that page of all, an array that it takes. */
json_object *page_cut(const struct page *page, json_object *all);
