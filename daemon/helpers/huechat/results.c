/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers and keys in D-Bus messages. Touches nothing else. */
#include "daemon/helpers/huechat/results.h"

int results_append_answer(sd_bus_message *m, const struct answer *answer)
{
    const struct hints *hints = &answer->hints;

    return sd_bus_message_append(
        m, "a{sv}", 11, "Status", "u", answer->status, "Sent", "b", answer->sent, "Complete", "b",
        answer->complete, "Error", "s", answer->error, "Message", "s", answer->message, "RequestId", "s",
        answer->request_id, "Date", "t", hints->date, "RetryAfter", "t", hints->retry_after, "RateLimit", "x",
        hints->rate_limit, "RateRemaining", "x", hints->rate_remaining, "RateReset", "x", hints->rate_reset);
}

static int append_members(sd_bus_message *m, const struct key *key)
{
    int r;

    r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}", "Id", "s", key->id, "Name", "s", key->name, "Type", "s",
                              key->type, "Access", "s", key->access);
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'e', "sv");
    if (r >= 0)
        r = sd_bus_message_append(m, "s", "Permissions");
    if (r >= 0)
        r = sd_bus_message_open_container(m, 'v', "as");
    if (r >= 0)
        r = sd_bus_message_append_strv(m, key->permissions);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    if (r >= 0)
        r = sd_bus_message_close_container(m);
    if (r >= 0)
        r = sd_bus_message_append(m, "{sv}{sv}{sv}", "Last4", "s", key->last4, "CreatedAt", "t",
                                  key->created_at, "LastUsedAt", "t", key->last_used_at);
    return r;
}

int results_append_key(sd_bus_message *m, const struct key *key)
{
    int r = sd_bus_message_open_container(m, 'a', "{sv}");

    if (r >= 0 && key->id)
        r = append_members(m, key);
    return r < 0 ? r : sd_bus_message_close_container(m);
}

int results_append_keys(sd_bus_message *m, const GPtrArray *keys)
{
    int r = sd_bus_message_open_container(m, 'a', "a{sv}");

    for (guint i = 0; r >= 0 && keys && i < keys->len; i++)
        r = results_append_key(m, keys->pdata[i]);
    return r < 0 ? r : sd_bus_message_close_container(m);
}
