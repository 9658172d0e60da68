/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one request came to, as the contract tells it. Touches no network. */
#include "daemon/helpers/huechat/answer.h"

#include <glib.h>

#include "daemon/helpers/huechat/contract.h"
#include "daemon/util/text.h"

bool answer_is_success(const struct answer *answer, const struct http_reply *reply)
{
    return reply->whole && answer->status >= 200 && answer->status < 300;
}

static char *describe(const struct http_reply *reply, const char *why)
{
    if (reply->status >= 300 && reply->status < 400)
        return g_strdup_printf("HTTP %u: a redirect, which is not followed", reply->status);
    if (why)
        return g_strdup_printf("HTTP %u, and no error of HueChat's: \"%s\" is missing or of a wrong kind",
                               reply->status, why);
    return g_strdup_printf("HTTP %u, and no error of HueChat's: not a JSON object", reply->status);
}

static char *word_or_nothing(const char *text, const char *key)
{
    return g_strdup(text && text_is_word(text, CONTRACT_ID_MAX) && !text_shows_key(text, key) ? text : "");
}

/* An answer that is no success. */
static void read_failure(const struct http_reply *reply, const char *key, struct answer *answer,
                         usec_t *ret_asked)
{
    struct fault fault = {};
    const char *why;

    if (contract_read_fault(reply->body, reply->length, reply->status, &fault, &why) < 0) {
        answer->message = describe(reply, why);
        return;
    }
    answer->complete = true;
    answer->error = word_or_nothing(fault.error, key);
    answer->message = text_line(fault.message, key);
    if (*fault.request_id)
        answer->request_id = word_or_nothing(fault.request_id, key);
    *ret_asked = fault.retry_after;
    fault_clear(&fault);
}

void answer_read(const struct http_reply *reply, const char *key, struct answer *ret)
{
    struct answer answer = {.status = reply->status, .sent = reply->sent};
    usec_t asked = 0;

    if (!reply->whole)
        answer.message = text_line(reply->trouble, key);
    else if (!answer_is_success(&answer, reply))
        read_failure(reply, key, &answer, &asked);
    if (!answer.request_id)
        answer.request_id = word_or_nothing(reply->headers[HTTP_REQUEST_ID], key);
    if (!answer.error)
        answer.error = g_strdup("");
    if (!answer.message)
        answer.message = g_strdup("");
    answer.hints = hints_read(reply, asked);
    *ret = answer;
}

void answer_judge(struct answer *answer, int fit, const char *why)
{
    answer->complete = fit >= 0;
    if (answer->complete)
        return;
    g_free(answer->message);
    if (why)
        answer->message =
            g_strdup_printf("HTTP %u, but not the answer expected: \"%s\" is missing or of a wrong kind",
                            answer->status, why);
    else
        answer->message =
            g_strdup_printf("HTTP %u, but not the answer expected: not a JSON object", answer->status);
}

void answer_clear(struct answer *answer)
{
    g_free(answer->error);
    g_free(answer->message);
    g_free(answer->request_id);
    *answer = (struct answer){0};
}
