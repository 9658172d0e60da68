/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Holders are compared and described; nothing is looked up here. */
#include "daemon/core/holder.h"

#include <glib.h>

static bool is_set(const char *text)
{
    return text != NULL && *text != '\0';
}

struct holder *holder_copy(const struct holder *holder)
{
    struct holder *copy = g_memdup2(holder, sizeof *holder);

    copy->boot_id = g_strdup(holder->boot_id);
    copy->unit = g_strdup(holder->unit);
    copy->invocation_id = g_strdup(holder->invocation_id);
    copy->command = g_strdup(holder->command);
    copy->watch = NULL;
    return copy;
}

struct holder *holder_free(struct holder *holder)
{
    if (holder == NULL)
        return NULL;
    g_free(holder->boot_id);
    g_free(holder->unit);
    g_free(holder->invocation_id);
    g_free(holder->command);
    process_watch_free(holder->watch);
    g_free(holder);
    return NULL;
}

bool holder_is_same(const struct holder *a, const struct holder *b)
{
    if (g_strcmp0(a->boot_id, b->boot_id) != 0 || is_set(a->unit) != is_set(b->unit))
        return false;
    if (is_set(a->unit))
        return g_strcmp0(a->unit, b->unit) == 0 && g_strcmp0(a->invocation_id, b->invocation_id) == 0;
    return a->pid == b->pid && a->start_time == b->start_time && a->uid == b->uid;
}

char *holder_describe(const struct holder *holder)
{
    const char *name = is_set(holder->unit) ? holder->unit : holder->command;

    if (!is_set(name))
        return g_strdup_printf("pid %d", (int)holder->pid);
    if (holder->pid == 0)
        return g_strdup(name);
    return g_strdup_printf("%s (pid %d)", name, (int)holder->pid);
}
