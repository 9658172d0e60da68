/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Identify, see whether it is in use, delete; and the key that broke by itself. */
#include "daemon/operations/revoke.h"

#include <errno.h>

#include "daemon/holders.h"
#include "daemon/operations/identify.h"
#include "daemon/rotate.h"
#include "daemon/schedule.h"
#include "daemon/waits.h"

struct revocation {
    struct daemon *daemon;
    char *name;
    bool force;
    operation_fn done;
    void *userdata;
};

static void revocation_free_p(struct revocation **revocation)
{
    if (*revocation == NULL)
        return;
    g_free((*revocation)->name);
    g_free(*revocation);
}

#define _cleanup_revocation_ __attribute__((cleanup(revocation_free_p)))

static void over(enum wait_outcome outcome, const char *reason, void *userdata)
{
    _cleanup_revocation_ struct revocation *revocation = userdata;

    if (outcome == OUTCOME_DONE)
        revocation->done(NULL, NULL, revocation->userdata);
    else
        operation_refuse(revocation->done, revocation->userdata, KT_HELD,
                         "the key could not be deleted: %s: see keyturn status %s",
                         reason != NULL ? reason : "its deletion has ended", revocation->name);
}

static void begin(struct revocation *revocation, struct entry *entry)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rid = rotate_begin(revocation->daemon, entry, CAUSE_REVOKE, &error);

    if (rid != NULL) {
        waits_add(revocation->daemon->waits, rid, WAIT_OVER, over, revocation);
        return;
    }
    revocation->done(error, NULL, revocation->userdata);
    revocation_free_p(&revocation);
}

/* HueChat's times against HueChat's clock alone. */
static bool was_used(const struct entry *entry, const struct remote_key *key, usec_t date)
{
    return key->last_used_at != 0 && key->last_used_at > usec_add(entry->probed_date, 2 * USEC_PER_SEC) &&
           (date == 0 || usec_add(key->last_used_at, USEC_PER_HOUR) > date);
}

/* What stands against the deletion of this key; NULL: nothing. */
static GError *objection(struct revocation *revocation, const struct entry *entry,
                         const struct provider_result *result, const struct remote_key **ret_key)
{
    const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;
    unsigned matches;

    if (!result->counts)
        return operation_answer_error(&result->answer, "HueChat's key list");
    if (key == NULL)
        return g_error_new(KT_ERROR, KT_NO_KEY, "%s has no key any more: nothing to revoke",
                           revocation->name);
    *ret_key = identify_in(result, key->environment, key->id, key->last4, &matches);
    if (matches > 1)
        return g_error_new(
            KT_ERROR, KT_INVALID,
            "%u keys at HueChat end in %s: delete the right one in the dashboard, then keyturn remove %s",
            matches, key->last4, revocation->name);
    if (*ret_key != NULL && !revocation->force && was_used(entry, *ret_key, result->answer.date))
        return g_error_new(KT_ERROR, KT_IN_USE,
                           "HueChat saw the key used within the last hour: find out by whom, or use --force");
    return NULL;
}

/* A key that was imported without its id gets it now. */
static int adopt(struct daemon *daemon, struct entry *entry, const struct remote_key *remote)
{
    struct ledger_key *key = entry_current(entry);

    if (remote == NULL || key->id != NULL)
        return 0;
    key->id = g_strdup(remote->id);
    return ledger_update_key(daemon->ledger, key, NULL);
}

static void listed(struct provider_result *result, void *userdata)
{
    _cleanup_revocation_ struct revocation *revocation = userdata;
    struct daemon *daemon = revocation->daemon;
    struct entry *entry = registry_find(daemon->registry, revocation->name);
    const struct remote_key *remote = NULL;
    g_autoptr(GError) error = objection(revocation, entry, result, &remote);

    if (error == NULL && adopt(daemon, entry, remote) < 0)
        error = g_error_new(KT_ERROR, KT_FAILED, "the ledger can't be written: make room in %s",
                            daemon->paths.state);
    if (error != NULL) {
        revocation->done(error, NULL, revocation->userdata);
        return;
    }
    begin(g_steal_pointer(&revocation), entry);
}

static bool check(struct daemon *daemon, const char *name, bool force, GError **error)
{
    struct entry *entry = operation_find(daemon, name, error);
    unsigned holders;

    if (entry == NULL)
        return false;
    if (entry_current(entry) == NULL) {
        g_set_error(error, KT_ERROR, KT_NO_KEY, "%s has no key: nothing to revoke", name);
        return false;
    }
    if (entry->definition->managed_by == MANAGED_BY_DASHBOARD) {
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "a person manages the key of %s: delete the key ending in %s in the dashboard", name,
                    entry_current(entry)->last4);
        return false;
    }
    holders = force ? 0 : holders_alive(entry, daemon->system_mode);
    if (holders > 0) {
        g_set_error(error, KT_ERROR, KT_IN_USE,
                    "%u running program%s fetched the key: see keyturn status %s, or use --force", holders,
                    holders == 1 ? "" : "s", name);
        return false;
    }
    return true;
}

void revoke_key(struct daemon *daemon, const char *name, bool force, operation_fn done, void *userdata)
{
    g_autoptr(GError) error = NULL;
    const struct secret *management = NULL;
    struct revocation *revocation;
    enum environment environment;

    if (!check(daemon, name, force, &error)) {
        done(error, NULL, userdata);
        return;
    }
    environment = registry_find(daemon->registry, name)->definition->environment;
    management = operation_management(daemon, environment, &error);
    if (management == NULL) {
        done(error, NULL, userdata);
        return;
    }
    revocation = g_new0(struct revocation, 1);
    *revocation = (struct revocation){daemon, g_strdup(name), force, done, userdata};
    provider_list(daemon->providers[environment], PRIORITY_PERSON, management, listed, revocation);
}

static void heal(struct daemon *daemon, struct entry *entry)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *rid = NULL;

    if (entry->definition->managed_by == MANAGED_BY_API) {
        int r = ledger_set_reported(daemon->ledger, entry->definition->name, clock_now());

        if (r < 0)
            g_set_error(&error, KT_ERROR, KT_FAILED, "the ledger can't be written: %s", g_strerror(-r));
        else
            rid = rotate_begin(daemon, entry, CAUSE_DEAD, &error);
    } else {
        g_set_error(&error, KT_ERROR, KT_REFUSED, "HueChat refuses its key: keyturn rotate %s",
                    entry->definition->name);
    }
    if (rid != NULL) {
        entry->reported_at = clock_now();
        return;
    }
    daemon_attention(daemon, entry, error->message);
}

static void probed(struct provider_result *result, void *userdata)
{
    _cleanup_revocation_ struct revocation *revocation = userdata;
    struct entry *entry = registry_find(revocation->daemon->registry, revocation->name);

    if (entry == NULL || answer_verdict(&result->answer) != VERDICT_INVALID)
        return;
    heal(revocation->daemon, entry);
}

static void ask_about(struct daemon *daemon, struct entry *entry)
{
    const struct ledger_key *key = entry_current(entry);
    const struct secret *secret = key != NULL ? vault_get(daemon->vault, key->number) : NULL;
    struct revocation *report;

    entry->asked_at = clock_now();
    if (rotator_say(daemon->rotator, entry->definition->name,
                    &(struct rotation_event){.type = EVENT_REJECTED}) != -ENOENT ||
        secret == NULL)
        return; /* its rotation looks at the key itself */
    report = g_new0(struct revocation, 1);
    *report = (struct revocation){.daemon = daemon, .name = g_strdup(entry->definition->name)};
    provider_probe(daemon->providers[entry->definition->environment], PRIORITY_PERSON, secret, probed,
                   report);
}

static void report_free(void *report)
{
    revocation_free_p(&(struct revocation *){report});
}

static int ask_again(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct revocation *report = userdata;
    struct entry *entry = registry_find(report->daemon->registry, report->name);

    if (entry != NULL && entry->report_waits) {
        entry->report_waits = false;
        ask_about(report->daemon, entry);
    }
    return sd_event_source_set_floating(source, false); /* its end */
}

/* Many programs report the same at once: HueChat is asked at once, and a minute later once more. */
static void ask_later(struct daemon *daemon, struct entry *entry)
{
    struct revocation *report;
    sd_event_source *source;

    if (entry->report_waits)
        return;
    report = g_new0(struct revocation, 1);
    *report = (struct revocation){.daemon = daemon, .name = g_strdup(entry->definition->name)};
    if (sd_event_add_time_relative(daemon->event, &source, CLOCK_BOOTTIME, USEC_PER_MINUTE, USEC_PER_SEC,
                                   ask_again, report) < 0) {
        report_free(report);
        return;
    }
    entry->report_waits = true;
    sd_event_source_set_destroy_callback(source, report_free);
    sd_event_source_set_floating(source, true);
    sd_event_source_unref(source);
}

void report_rejected(struct daemon *daemon, struct entry *entry, uint64_t generation, operation_fn done,
                     void *userdata)
{
    const struct ledger_key *key = entry_current(entry);

    if (key == NULL || generation != key->generation) {
        operation_refuse(done, userdata, KT_INVALID,
                         "the current generation is %" G_GUINT64_FORMAT ": fetch the key again",
                         key != NULL ? key->generation : 0);
        return;
    }
    if (clock_now() < usec_add(entry->reported_at, USEC_PER_HOUR)) {
        operation_refuse(done, userdata, KT_BUSY,
                         "a report within the last hour has been acted on: see keyturn status %s",
                         entry->definition->name);
        return;
    }
    done(NULL, NULL, userdata);
    if (clock_now() >= entry->asked_at && clock_now() < usec_add(entry->asked_at, USEC_PER_MINUTE))
        ask_later(daemon, entry);
    else
        ask_about(daemon, entry);
}
