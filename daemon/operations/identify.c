/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One listing; a key is taken by its id, or by type and last 4 where no other has the same. */
#include "daemon/operations/identify.h"

#include <string.h>

struct identify {
    enum environment environment;
    char *id;
    char last4[5];
    identify_fn fn;
    void *userdata;
};

static void identify_free_p(struct identify **identify)
{
    g_free((*identify)->id);
    g_free(*identify);
}

const struct remote_key *identify_in(const struct provider_result *listing, enum environment environment,
                                     const char *id, const char *last4, unsigned *ret_matches)
{
    const struct remote_key *match = NULL;
    unsigned matches = 0;

    for (size_t i = 0; i < listing->n_keys; i++) {
        const struct remote_key *key = &listing->keys[i];

        if (key->type != environment || strcmp(key->last4, last4) != 0 ||
            (id != NULL && strcmp(key->id, id) != 0))
            continue;
        match = key;
        matches++;
    }
    *ret_matches = matches;
    return matches == 1 ? match : NULL;
}

static void listed(struct provider_result *result, void *userdata)
{
    __attribute__((cleanup(identify_free_p))) struct identify *identify = userdata;
    g_autoptr(GError) error = NULL;
    const struct remote_key *key;
    unsigned matches;

    if (!result->counts) {
        error = operation_answer_error(&result->answer, "HueChat's key list");
        identify->fn(NULL, error, identify->userdata);
        return;
    }
    key = identify_in(result, identify->environment, identify->id, identify->last4, &matches);
    if (matches > 1)
        error =
            g_error_new(KT_ERROR, KT_INVALID,
                        "%u keys at HueChat end in %s: say which one this is with --id (see the dashboard)",
                        matches, identify->last4);
    else if (matches == 0 && identify->id != NULL)
        error = g_error_new(KT_ERROR, KT_INVALID,
                            "HueChat lists no key %s that ends in %s: see the dashboard for the right --id",
                            identify->id, identify->last4);
    identify->fn(key, error, identify->userdata);
}

void identify_key(struct daemon *daemon, enum environment environment, const struct secret *management,
                  const char *id, const char *last4, identify_fn fn, void *userdata)
{
    struct identify *identify;

    if (management == NULL) {
        fn(NULL, NULL, userdata);
        return;
    }
    identify = g_new0(struct identify, 1);
    *identify =
        (struct identify){.environment = environment, .id = g_strdup(id), .fn = fn, .userdata = userdata};
    memcpy(identify->last4, last4, 4);
    provider_list(daemon->providers[environment], PRIORITY_PERSON, management, listed, identify);
}
