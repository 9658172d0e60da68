/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One function an action; each asks once and answers once. */
#include "daemon/performer.h"

#include <errno.h>
#include <string.h>

#include "daemon/listings.h"
#include "daemon/schedule.h"

/* What an answer needs to find its way back. */
struct job {
    struct daemon *daemon;
    enum rotation_event_type event;
    enum provider_priority priority;
    enum environment environment;
    uint64_t key; /* the ledger's number of the key in question */
    char *rid;
    char *integration;
    char *last4; /* of that key; NULL: none is asked of the keyring */
};

static struct job *job_new(struct daemon *daemon, const struct rotation *rotation,
                           enum rotation_event_type event)
{
    struct job *job = g_new0(struct job, 1);

    job->daemon = daemon;
    job->event = event;
    job->priority = rotation->cause == CAUSE_AGE ? PRIORITY_BACKGROUND : PRIORITY_PERSON;
    job->environment = (enum environment)rotation->environment;
    job->rid = g_strdup(rotation->rid);
    job->integration = g_strdup(rotation->integration);
    return job;
}

static void job_free_p(struct job **job)
{
    if (*job == NULL)
        return;
    g_free((*job)->rid);
    g_free((*job)->integration);
    g_free((*job)->last4);
    g_free(*job);
}

#define _cleanup_job_ __attribute__((cleanup(job_free_p)))

static void answer(struct job *job, struct rotation_event event)
{
    struct entry *entry = registry_find(job->daemon->registry, job->integration);

    event.type = job->event;
    if (entry != NULL && event.answer != NULL)
        entry->last_class = answer_class(event.answer);
    if (entry != NULL && event.type == EVENT_PROBED_NEW && event.answer != NULL)
        entry->probed_date = event.answer->date;
    rotator_answer(job->daemon->rotator, job->rid, &event);
    schedule_look_again(job->daemon);
}

/* Answers that never reached the network: as good as not sent. */
static void answer_unsent(struct job *job, const char *why)
{
    struct answer none = {.message = (char *)why};

    answer(job, (struct rotation_event){.answer = &none});
}

static void told(struct provider_result *result, void *userdata)
{
    _cleanup_job_ struct job *job = userdata;

    answer(job, (struct rotation_event){.answer = &result->answer, .key = &result->key});
}

static void listed(struct provider_result *result, void *userdata)
{
    _cleanup_job_ struct job *job = userdata;
    static const struct remote_key none = {0};

    answer(job, (struct rotation_event){
                    .answer = &result->answer,
                    .keys = !result->counts      ? NULL
                            : result->n_keys > 0 ? result->keys
                                                 : &none,
                    .n_keys = result->counts ? result->n_keys : 0,
                });
}

static enum secret_fit fit_of(const struct job *job, const struct provider_result *result)
{
    struct vault *vault = job->daemon->vault;
    enum environment carried;

    if (result->secret == NULL)
        return SECRET_MALFORMED;
    if (environment_of_key(secret_text(result->secret), &carried) < 0 || carried != job->environment)
        return SECRET_WRONG_PREFIX;
    if (g_strcmp0(secret_last4(result->secret), result->key.last4) != 0)
        return SECRET_WRONG_LAST4;
    if (vault_holds(vault, result->secret, 0) || vault_holds_fresh(vault, result->secret, job->rid))
        return SECRET_KNOWN;
    return SECRET_FITS;
}

static void created(struct provider_result *result, void *userdata)
{
    _cleanup_job_ struct job *job = userdata;
    struct rotation_event event = {.answer = &result->answer, .key = &result->key};

    if (answer_class(&result->answer) == ANSWER_OK) {
        int known = ledger_knows_id(job->daemon->ledger, job->environment, result->key.id);

        event.fit = fit_of(job, result);
        /* A ledger that can't tell is no leave to go on; nor is a list that showed it before. */
        event.known_before =
            known != 0 || listings_showed(job->daemon->listings, job->environment, result->key.id);
        if (event.fit == SECRET_FITS && vault_put_fresh(job->daemon->vault, job->rid, result->secret) < 0)
            event.fit = SECRET_MALFORMED;
    }
    answer(job, event);
}

static bool sending(void *userdata)
{
    struct job *job = userdata;

    return rotator_sending(job->daemon->rotator, job->rid);
}

static void create(struct daemon *daemon, const struct rotation *rotation, const struct secret *management,
                   struct job *job)
{
    g_autofree char *name = rotation_key_name(rotation);
    g_auto(GStrv) permissions =
        g_strsplit(rotation->permissions != NULL ? rotation->permissions : "", ";", -1);
    g_autofree char *idempotency =
        g_strdup_printf("keyturn-%s-%u", rotation->rid, (unsigned)rotation->attempt);
    struct provider_create arguments = {
        .name = name,
        .type = job->environment,
        .full_access = rotation->full_access,
        .permissions = permissions,
        .idempotency_key = idempotency,
    };

    provider_create(daemon->providers[job->environment], job->priority, management, &arguments, sending,
                    created, job);
}

/* Everything that is asked with the management key. */
static void manage(struct daemon *daemon, const struct rotation *rotation, const struct rotation_step *step,
                   struct job *job)
{
    struct provider *provider = daemon->providers[job->environment];
    const struct secret *management = daemon_management(daemon, job->environment);

    if (management == NULL) {
        answer_unsent(job, "there is no management key: keyturn login");
        job_free_p(&job);
        return;
    }
    if (step->action == ACTION_GET)
        provider_get(provider, job->priority, management, step->id, told, job);
    else if (step->action == ACTION_LIST)
        listings_ask(daemon->listings, job->environment, job->priority, listed, job);
    else if (step->action == ACTION_DELETE)
        provider_delete(provider, job->priority, management, step->id, told, job);
    else
        create(daemon, rotation, management, job);
}

static void kept(int result, const struct secret *secret, const char *message, void *userdata)
{
    _cleanup_job_ struct job *job = userdata;

    if (result == 0 && job->event == EVENT_STORED)
        vault_remove_fresh(job->daemon->vault, job->rid);
    answer(job, (struct rotation_event){.result = result});
}

/* The secret as the keyring has it, not as we remember it. */
static void loaded(int result, const struct secret *secret, const char *message, void *userdata)
{
    struct job *job = userdata;

    if (result == 0 && !secret_fits(secret, job->environment, job->last4))
        result = -ENOKEY;
    if (result == 0) {
        if (job->event == EVENT_PROBED_NEW)
            vault_put(job->daemon->vault, job->key, secret);
        provider_probe(job->daemon->providers[job->environment], job->priority, secret, told, job);
        return;
    }
    answer(job, (struct rotation_event){.result = result});
    job_free_p(&job);
}

/* The row may be closed already: a dead key's is with the swap, and its secret is erased after that. */
static struct ledger_key *find_key(struct daemon *daemon, const struct entry *entry, uint64_t number)
{
    const struct ledger_key *open = entry_key(entry, number);
    struct ledger_key *closed = NULL;

    if (open != NULL)
        return ledger_key_copy(open);
    return number != 0 && ledger_load_key(daemon->ledger, number, &closed) == 0 ? closed : NULL;
}

static void use_item(struct daemon *daemon, const struct keyring_item *item, struct job *job)
{
    const struct secret *fresh = vault_get_fresh(daemon->vault, job->rid);

    if (job->event == EVENT_ERASED) {
        vault_remove_fresh(daemon->vault, job->rid);
        vault_remove(daemon->vault, job->key);
        keyring_erase(daemon->keyring, item, kept, job);
    } else if (job->event != EVENT_STORED) {
        keyring_load(daemon->keyring, item, loaded, job);
    } else if (fresh != NULL) {
        keyring_store(daemon->keyring, item, fresh, kept, job);
    } else {
        answer(job, (struct rotation_event){.result = -ENOKEY});
        job_free_p(&job);
    }
}

static void use_keyring(struct daemon *daemon, const struct rotation *rotation, uint64_t number,
                        struct job *job)
{
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    struct ledger_key *key = entry != NULL ? find_key(daemon, entry, number) : NULL;
    struct keyring_item item;

    job->key = number;
    if (key == NULL) {
        answer(job, (struct rotation_event){.result = job->event == EVENT_ERASED ? 0 : -ENOKEY});
        job_free_p(&job);
        return;
    }
    job->last4 = g_strdup(key->last4);
    item = daemon_item(entry, key);
    use_item(daemon, &item, job);
    ledger_key_free(key);
}

static void announce(struct daemon *daemon, const struct rotation *rotation, struct job *job)
{
    struct entry *entry = registry_find(daemon->registry, rotation->integration);
    const struct ledger_key *key = entry != NULL ? entry_current(entry) : NULL;

    if (key != NULL) {
        entry->hooks_ran = false;
        daemon->news->key_changed(entry, key->generation, daemon->news_userdata);
    }
    answer(job, (struct rotation_event){});
    job_free_p(&job);
}

void performer_perform(const struct rotation *rotation, const struct rotation_step *step, void *userdata)
{
    struct daemon *daemon = userdata;

    switch (step->action) {
    case ACTION_GET:
        manage(daemon, rotation, step, job_new(daemon, rotation, EVENT_GOT));
        return;
    case ACTION_LIST:
        manage(daemon, rotation, step, job_new(daemon, rotation, EVENT_LISTED));
        return;
    case ACTION_DELETE:
        manage(daemon, rotation, step, job_new(daemon, rotation, EVENT_DELETED));
        return;
    case ACTION_CREATE:
        manage(daemon, rotation, step, job_new(daemon, rotation, EVENT_CREATED));
        return;
    case ACTION_CHECK_KEYRING:
        keyring_check(daemon->keyring, kept, job_new(daemon, rotation, EVENT_KEYRING_CHECKED));
        return;
    case ACTION_STORE:
        use_keyring(daemon, rotation, rotation->new_key, job_new(daemon, rotation, EVENT_STORED));
        return;
    case ACTION_PROBE_NEW:
        use_keyring(daemon, rotation, rotation->new_key, job_new(daemon, rotation, EVENT_PROBED_NEW));
        return;
    case ACTION_PROBE_OLD:
        use_keyring(daemon, rotation, rotation->old_key, job_new(daemon, rotation, EVENT_PROBED_OLD));
        return;
    case ACTION_ERASE:
        use_keyring(daemon, rotation,
                    rotation->state == ROTATION_ROLLING_BACK ? rotation->new_key : rotation->old_key,
                    job_new(daemon, rotation, EVENT_ERASED));
        return;
    case ACTION_ANNOUNCE:
        announce(daemon, rotation, job_new(daemon, rotation, EVENT_ANNOUNCED));
        return;
    case ACTION_WAIT:
    case ACTION_SWAP:
    case ACTION_REMIND:
    case ACTION_END:
        return;
    }
}
