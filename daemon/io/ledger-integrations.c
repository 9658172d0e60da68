/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integrations: which there are, and what is known of them but their keys. A forgotten one keeps its row:
 * its generations go on if the name comes back. */
#include <errno.h>

#include "daemon/io/ledger-private.h"

struct ledger_integration *ledger_integration_free(struct ledger_integration *integration)
{
    if (integration == NULL)
        return NULL;
    g_free(integration->name);
    g_free(integration->last_fetched_by);
    g_free(integration);
    return NULL;
}

static void free_integration(void *integration)
{
    ledger_integration_free(integration);
}

static void *read_integration(sqlite3_stmt *row)
{
    struct ledger_integration *integration = g_new0(struct ledger_integration, 1);

    integration->name = ledger_column_text(row, 0);
    integration->environment = (enum environment)sqlite3_column_int(row, 1);
    integration->last_fetched_at = (usec_t)sqlite3_column_int64(row, 2);
    integration->last_fetched_by = ledger_column_text(row, 3);
    integration->retry_at = (usec_t)sqlite3_column_int64(row, 4);
    integration->reported_at = (usec_t)sqlite3_column_int64(row, 5);
    return integration;
}

GPtrArray *ledger_load_integrations(struct ledger *ledger)
{
    return ledger_collect(ledger, STATEMENT_LOAD_INTEGRATIONS, NO_VALUES, read_integration, free_integration);
}

static int put_integration(struct ledger *ledger, const char *name, enum environment environment)
{
    uint64_t present;
    int r = ledger_get(ledger, STATEMENT_LOOK_UP_INTEGRATION, VALUES(text(name)), &present);

    if (r == 0)
        return ledger_run(ledger, STATEMENT_PUT_INTEGRATION, VALUES(text(name), number(environment)));
    if (r < 0)
        return r;
    return present == environment ? 0 : -EEXIST;
}

int ledger_put_management(struct ledger *ledger, const char *name, enum environment environment)
{
    return name[0] == '@' ? put_integration(ledger, name, environment) : 0;
}

int ledger_put_integration(struct ledger *ledger, const char *name, enum environment environment)
{
    int r = ledger_begin(ledger);

    if (r == 0)
        r = put_integration(ledger, name, environment);
    return ledger_finish(ledger, r);
}

static int set_time(struct ledger *ledger, enum ledger_statement statement, const char *name, usec_t at)
{
    enum environment environment;
    int r = ledger_begin(ledger);

    if (r == 0 && name[0] == '@' && environment_parse(name + 1, &environment) == 0)
        r = ledger_put_management(ledger, name, environment);
    if (r == 0)
        r = ledger_run_one(ledger, statement, VALUES(text(name), number(at)));
    return ledger_finish(ledger, r);
}

int ledger_set_retry(struct ledger *ledger, const char *name, usec_t retry_at)
{
    return set_time(ledger, STATEMENT_SET_RETRY, name, retry_at);
}

int ledger_set_reported(struct ledger *ledger, const char *name, usec_t reported_at)
{
    return set_time(ledger, STATEMENT_SET_REPORTED, name, reported_at);
}

int ledger_forget_integration(struct ledger *ledger, const char *name, const struct ledger_event *event)
{
    static const enum ledger_statement parts[] = {STATEMENT_FORGET_KEYS, STATEMENT_FORGET_ROTATIONS,
                                                  STATEMENT_FORGET_HOLDERS};
    int r = ledger_begin(ledger);

    if (r == 0)
        r = ledger_run_one(ledger, STATEMENT_FORGET_INTEGRATION, VALUES(text(name)));
    for (size_t i = 0; i < G_N_ELEMENTS(parts) && r == 0; i++)
        r = ledger_run(ledger, parts[i], VALUES(text(name)));
    if (r == 0)
        r = ledger_append_event(ledger, event);
    return ledger_finish(ledger, r);
}
