/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading an HTTP answer for what it proves. */
#include "daemon/core/answer.h"

#include <string.h>

#include <glib.h>

static bool says(const struct answer *answer, unsigned status, const char *error)
{
    return answer->status == status && answer->complete && g_strcmp0(answer->error, error) == 0;
}

enum answer_class answer_class(const struct answer *answer)
{
    if (!answer->sent)
        return ANSWER_UNSENT;
    if (answer->status >= 200 && answer->status < 300)
        return answer->complete ? ANSWER_OK : ANSWER_UNKNOWN;
    if (answer->status == 429)
        return ANSWER_LIMITED;
    if (answer->status == 404 && answer->complete)
        return ANSWER_ABSENT;
    if (says(answer, 401, "unauthorized") || says(answer, 403, "forbidden"))
        return ANSWER_DENIED;
    if ((answer->status == 400 || answer->status == 422) && answer->complete)
        return ANSWER_REFUSED;
    return ANSWER_UNKNOWN;
}

enum verdict answer_verdict(const struct answer *probe)
{
    if (!probe->sent)
        return VERDICT_UNKNOWN;
    if (probe->status >= 200 && probe->status < 300 && probe->complete)
        return VERDICT_VALID;
    if (says(probe, 403, "forbidden"))
        return VERDICT_VALID;
    if (says(probe, 401, "unauthorized"))
        return VERDICT_INVALID;
    return VERDICT_UNKNOWN;
}

void answer_clear(struct answer *answer)
{
    g_free(answer->error);
    g_free(answer->message);
    g_free(answer->request_id);
    *answer = (struct answer){0};
}

void remote_key_clear(struct remote_key *key)
{
    g_free(key->id);
    g_free(key->name);
    g_strfreev(key->permissions);
    g_free(key->last4);
    *key = (struct remote_key){0};
}

struct remote_key *remote_key_free(struct remote_key *key)
{
    if (key != NULL)
        remote_key_clear(key);
    g_free(key);
    return NULL;
}

char *remote_key_permissions(const struct remote_key *key)
{
    return key->full_access || key->permissions == NULL ? g_strdup("full")
                                                        : g_strjoinv(";", key->permissions);
}

static bool contains_all(char *const *a, char *const *b)
{
    for (; a != NULL && *a != NULL; a++)
        if (b == NULL || !g_strv_contains((const char *const *)b, *a))
            return false;
    return true;
}

bool permissions_equal(char *const *a, char *const *b)
{
    return contains_all(a, b) && contains_all(b, a);
}
