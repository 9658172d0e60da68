/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel and systemd's runtime files; the ledger forgets who has ended. */
#include "daemon/holders.h"

#include <errno.h>
#include <string.h>

#include "daemon/io/journal.h"
#include "daemon/io/process.h"

#define NAMED_MAX 8
#define HOLDERS_OF_UID 1024 /* living ones, of an integration: each is looked at when a rotation is */
#define FULL_FOR (5 * USEC_PER_SEC)
#define HOLDERS_KEPT 64 /* ended ones are of interest too, but not all of them */

bool holder_is_alive(const struct holder *holder, bool system_mode)
{
    g_autofree char *boot = process_boot_id();
    uint64_t started;
    int r;

    if (g_strcmp0(holder->boot_id, boot) != 0)
        return false;
    if (holder->unit != NULL && *holder->unit != '\0') {
        g_autofree char *invocation = unit_invocation(holder->unit, !system_mode);
        return g_strcmp0(invocation, holder->invocation_id) == 0;
    }
    if (holder->watch != NULL)
        return process_watch_is_alive(holder->watch);
    r = process_start_time(holder->pid, &started);
    return r == -EACCES || (r == 0 && started == holder->start_time);
}

/* What is held is told to everybody, by Attention; in system mode that is not who holds it. */
static char *without_names(const struct entry *entry, unsigned n)
{
    return g_strdup_printf("still held by %u program%s that keyturn status %s names", n, n == 1 ? "" : "s",
                           entry->definition->name);
}

unsigned holders_older(struct entry *entry, bool system_mode, const char **ret_text)
{
    const struct ledger_key *key = entry_current(entry);
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned n = 0;

    for (guint i = 0; key != NULL && i < entry->holders->len; i++) {
        const struct holder *holder = entry->holders->pdata[i];
        g_autofree char *name = NULL;

        if (holder->generation >= key->generation || !holder_is_alive(holder, system_mode))
            continue;
        n++;
        if (system_mode || n > NAMED_MAX)
            continue;
        name = holder_describe(holder);
        g_string_append_printf(names, "%s%s", n > 1 ? ", " : "still held by ", name);
    }
    if (!system_mode && n > NAMED_MAX)
        g_string_append_printf(names, ", and %u more", n - NAMED_MAX);
    g_free(entry->holders_text);
    *ret_text = entry->holders_text = system_mode && n > 0 ? without_names(entry, n) : g_strdup(names->str);
    return n;
}

unsigned holders_alive(struct entry *entry, bool system_mode)
{
    unsigned n = 0;

    for (guint i = 0; i < entry->holders->len; i++)
        n += holder_is_alive(entry->holders->pdata[i], system_mode);
    return n;
}

static int drop(struct daemon *daemon, struct entry *entry, guint index)
{
    const struct holder *holder = entry->holders->pdata[index];
    int r = ledger_drop_holders(daemon->ledger, entry->definition->name, &holder, 1);

    if (r < 0)
        return r;
    g_ptr_array_remove_index(entry->holders, index);
    return 1;
}

void holders_sweep(struct daemon *daemon, struct entry *entry)
{
    g_autoptr(GPtrArray) ended = g_ptr_array_new();
    int r = 0;

    for (guint i = 0; i < entry->holders->len; i++)
        if (!holder_is_alive(entry->holders->pdata[i], daemon->system_mode))
            g_ptr_array_add(ended, entry->holders->pdata[i]);
    if (ended->len > 0)
        r = ledger_drop_holders(daemon->ledger, entry->definition->name,
                                (const struct holder *const *)ended->pdata, ended->len);
    for (guint i = 0; r == 0 && i < ended->len; i++)
        g_ptr_array_remove(entry->holders, ended->pdata[i]);
    entry->sweep_at = MAX(HOLDERS_KEPT, 2 * entry->holders->len);
    if (r < 0)
        journal_send(LOG_WARNING, NULL, (const char *[]){NULL},
                     "%s: holders that ended can't be forgotten: %s", entry->definition->name,
                     g_strerror(-r));
}

void holders_sweep_many(struct daemon *daemon, struct entry *entry)
{
    if (entry->holders->len >= MAX(HOLDERS_KEPT, entry->sweep_at))
        holders_sweep(daemon, entry);
}

static unsigned count_of(const struct entry *entry, uid_t uid)
{
    unsigned n = 0;

    for (guint i = 0; i < entry->holders->len; i++)
        n += ((const struct holder *)entry->holders->pdata[i])->uid == uid;
    return n;
}

bool holders_take_one_more(struct daemon *daemon, struct entry *entry, const struct holder *holder)
{
    if (entry_holder(entry, holder) != NULL || count_of(entry, holder->uid) < HOLDERS_OF_UID)
        return true;
    if (clock_now() < usec_add(entry->holders_full_at, FULL_FOR) && clock_now() >= entry->holders_full_at)
        return false;
    holders_sweep(daemon, entry);
    if (count_of(entry, holder->uid) < HOLDERS_OF_UID)
        return true;
    entry->holders_full_at = clock_now();
    return false;
}

int holders_acknowledge(struct daemon *daemon, struct entry *entry, const struct holder *holder,
                        uint64_t generation)
{
    for (guint i = 0; i < entry->holders->len; i++) {
        const struct holder *row = entry->holders->pdata[i];

        if (holder_is_same(row, holder))
            return row->generation < generation ? drop(daemon, entry, i) : 0;
    }
    return -ENOENT;
}
