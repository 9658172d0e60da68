/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An array of kept calls. Whoever is told may have further ones added. */
#include "daemon/bus/waiters.h"

#include <errno.h>

#include <glib.h>

#include "daemon/bus/kept-call.h"

#define ROOM (2 * KEPT_CALL_MAX)

struct waiter {
    sd_bus_message *call;
    caller_enough_fn enough;
    caller_fn fn;
    void *userdata;
};

struct waiters {
    GArray *list; /* struct waiter */
    size_t size;  /* of their calls */
};

struct waiters *waiters_new(void)
{
    struct waiters *waiters = g_new0(struct waiters, 1);

    waiters->list = g_array_new(FALSE, FALSE, sizeof(struct waiter));
    return waiters;
}

static struct waiter *at(const struct waiters *waiters, guint index)
{
    return &g_array_index(waiters->list, struct waiter, index);
}

struct waiters *waiters_free(struct waiters *waiters)
{
    for (guint i = 0; i < waiters->list->len; i++)
        sd_bus_message_unref(at(waiters, i)->call);
    g_array_unref(waiters->list);
    g_free(waiters);
    return NULL;
}

/* Takes the call. */
static void tell(const struct waiter *waiter, enum caller_answer answer, const struct caller *caller)
{
    waiter->fn(answer, caller, waiter->call, waiter->userdata);
    sd_bus_message_unref(waiter->call);
}

static bool is_enough(const struct waiter *waiter, const struct caller *so_far)
{
    return so_far != NULL &&
           (waiter->enough == NULL || waiter->enough(so_far, waiter->call, waiter->userdata));
}

bool waiters_add(struct waiters *waiters, sd_bus_message *call, const struct caller *so_far,
                 caller_enough_fn enough, caller_fn fn, void *userdata)
{
    struct waiter waiter = {.enough = enough, .fn = fn, .userdata = userdata};
    size_t size = 0;
    int r = kept_call_new(call, &waiter.call, &size);

    if (r >= 0 && is_enough(&waiter, so_far)) {
        tell(&waiter, CALLER_KNOWN, so_far);
        return true;
    }
    if (r >= 0 && waiters->size + size <= ROOM) {
        g_array_append_val(waiters->list, waiter);
        waiters->size += size;
        return true;
    }
    sd_bus_message_unref(waiter.call);
    fn(r == -E2BIG ? CALLER_TOO_LONG : CALLER_BUSY, NULL, call, userdata);
    return false;
}

void waiters_tell_so_far(struct waiters *waiters, const struct caller *so_far)
{
    for (guint i = 0; i < waiters->list->len;) {
        struct waiter waiter = *at(waiters, i);

        if (is_enough(&waiter, so_far)) {
            g_array_remove_index(waiters->list, i);
            tell(&waiter, CALLER_KNOWN, so_far);
        } else {
            i++;
        }
    }
}

void waiters_tell(struct waiters *waiters, enum caller_answer answer, const struct caller *caller)
{
    while (waiters->list->len > 0) {
        struct waiter waiter = *at(waiters, 0);

        g_array_remove_index(waiters->list, 0);
        tell(&waiter, answer, caller);
    }
}
