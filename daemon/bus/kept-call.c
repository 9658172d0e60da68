/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks the arguments with a budget. */
#include "daemon/bus/kept-call.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "daemon/util/cleanup.h"

#define NUMBER_COST 8 /* the largest, and what a container takes at its beginning */

static bool spend(size_t *budget, size_t cost)
{
    if (cost > *budget)
        return false;
    *budget -= cost;
    return true;
}

static bool is_text(char type)
{
    return type == SD_BUS_TYPE_STRING || type == SD_BUS_TYPE_OBJECT_PATH || type == SD_BUS_TYPE_SIGNATURE;
}

static int copy_basic(sd_bus_message *from, sd_bus_message *to, char type, size_t *budget)
{
    union {
        const char *text;
        uint64_t number;
        int fd;
    } value = {};
    int r = sd_bus_message_read_basic(from, type, &value);

    if (r < 0)
        return r;
    if (!spend(budget, NUMBER_COST + (is_text(type) ? strlen(value.text) : 0)))
        return -E2BIG;
    return sd_bus_message_append_basic(to, type, is_text(type) ? (const void *)value.text : &value);
}

static int copy_all(sd_bus_message *from, sd_bus_message *to, size_t *budget);

/* sd-bus bounds how deep containers may lie. */
static int copy_container(sd_bus_message *from, sd_bus_message *to, char type, const char *contents,
                          size_t *budget)
{
    int r;

    if (!spend(budget, NUMBER_COST + strlen(contents)))
        return -E2BIG;
    r = sd_bus_message_open_container(to, type, contents);
    if (r >= 0)
        r = sd_bus_message_enter_container(from, type, contents);
    if (r >= 0)
        r = copy_all(from, to, budget);
    if (r >= 0)
        r = sd_bus_message_exit_container(from);
    return r < 0 ? r : sd_bus_message_close_container(to);
}

static int copy_all(sd_bus_message *from, sd_bus_message *to, size_t *budget)
{
    const char *contents;
    char type;
    int r;

    while ((r = sd_bus_message_peek_type(from, &type, &contents)) > 0) {
        r = contents != NULL ? copy_container(from, to, type, contents, budget)
                             : copy_basic(from, to, type, budget);
        if (r < 0)
            return r;
    }
    return r;
}

/* The head: where it came from, and what it wants. */
static int copy_head(sd_bus_message *call, sd_bus_message **ret)
{
    _cleanup_message_ sd_bus_message *copy = NULL;
    int r = sd_bus_message_new_method_call(sd_bus_message_get_bus(call), &copy, NULL,
                                           sd_bus_message_get_path(call), sd_bus_message_get_interface(call),
                                           sd_bus_message_get_member(call));

    if (r >= 0 && sd_bus_message_get_sender(call) != NULL)
        r = sd_bus_message_set_sender(copy, sd_bus_message_get_sender(call));
    if (r >= 0)
        r = sd_bus_message_set_expect_reply(copy, sd_bus_message_get_expect_reply(call));
    if (r >= 0)
        r = sd_bus_message_set_allow_interactive_authorization(
            copy, sd_bus_message_get_allow_interactive_authorization(call));
    if (r < 0)
        return r;
    *ret = copy;
    copy = NULL;
    return 0;
}

int kept_call_new(sd_bus_message *call, sd_bus_message **ret, size_t *ret_size)
{
    _cleanup_message_ sd_bus_message *copy = NULL;
    size_t budget = KEPT_CALL_MAX;
    uint64_t cookie;
    int r = sd_bus_message_get_cookie(call, &cookie);

    if (r >= 0)
        r = copy_head(call, &copy);
    if (r >= 0)
        r = copy_all(call, copy, &budget);
    if (r >= 0)
        r = sd_bus_message_seal(copy, cookie, 0);
    if (r >= 0)
        r = sd_bus_message_rewind(copy, true);
    if (r < 0)
        return r;
    if (ret_size != NULL)
        *ret_size = KEPT_CALL_BASE + KEPT_CALL_MAX - budget;
    *ret = copy;
    copy = NULL;
    return 0;
}
