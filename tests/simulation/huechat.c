/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat: its keys, and what a request does to them. What goes wrong on the way is in faults.c. */
#include "tests/simulation/huechat.h"

#include <string.h>

void remote_free(void *data)
{
    struct remote *remote = data;

    g_free(remote->id);
    g_free(remote->name);
    g_free(remote->secret);
    g_free(remote->permissions);
    g_free(remote);
}

struct remote *huechat_make(struct simulation *s, struct app *app, const char *name, enum origin origin)
{
    struct remote *remote = g_new0(struct remote, 1);
    uint64_t serial = ++s->serials;

    remote->id = g_strdup_printf("key_%" G_GINT64_MODIFIER "u", serial);
    remote->name = g_strdup(name);
    remote->type = app->environment;
    g_snprintf(remote->last4, sizeof remote->last4, "%04x", (unsigned)(serial * 40503 % 65536));
    remote->secret = g_strdup_printf("%s" SECRET_MARK "%" G_GINT64_MODIFIER "u%s",
                                     environment_prefix(remote->type), serial, remote->last4);
    remote->full_access = app->full_access;
    remote->permissions = g_strdup(app->full_access ? "" : "contacts:read;contacts:write");
    remote->origin = origin;
    remote->owner = origin == ORIGIN_FOREIGN ? NULL : app;
    remote->works_from = remote->seen_from = s->now;
    remote->works_until = remote->seen_until = NEVER;
    remote->created_date = simulation_its_time(s);
    g_ptr_array_add(s->remotes, remote);
    return remote;
}

bool remote_lives(const struct simulation *s, const struct remote *remote)
{
    return remote->killer == KILLER_NOBODY;
}

bool remote_works(const struct simulation *s, const struct remote *remote)
{
    return s->now >= remote->works_from && s->now < remote->works_until;
}

bool remote_is_seen(const struct simulation *s, const struct remote *remote)
{
    return s->now >= remote->seen_from && s->now < remote->seen_until;
}

void remote_kill(struct simulation *s, struct remote *remote, enum killer killer)
{
    usec_t lag = chance_of(&s->chance, 100) ? chance_below(&s->chance, 40 * USEC_PER_SEC) : 0;

    if (!remote_lives(s, remote))
        return;
    remote->killer = killer;
    remote->works_until = MAX(usec_add(s->now, lag), remote->works_from);
    remote->seen_until = usec_add(s->now, lag / 4);
}

void remote_use(struct simulation *s, struct remote *remote)
{
    usec_t date = simulation_its_time(s);

    if (!remote_works(s, remote) || s->usage_grain == NEVER)
        return;
    if (remote->used_date != 0 && ABS((int64_t)(date - remote->used_date)) < (int64_t)s->usage_grain)
        return;
    remote->used_date = date;
    remote->used_moved = s->now;
}

void request_free(void *data)
{
    struct request *q = data;

    answer_clear(&q->answer);
    remote_key_clear(&q->told);
    for (size_t i = 0; i < q->n_keys; i++)
        remote_key_clear(&q->keys[i]);
    g_free(q->keys);
    g_free(q->rid);
    g_free(q->id);
    g_free(q->name);
    g_free(q);
}

struct remote_key huechat_describe(const struct remote *remote)
{
    return (struct remote_key){.id = g_strdup(remote->id),
                               .name = g_strdup(remote->name),
                               .type = remote->type,
                               .full_access = remote->full_access,
                               .permissions = g_strsplit(remote->permissions, ";", -1),
                               .last4 = g_strdup(remote->last4),
                               .created_at = remote->created_date,
                               .last_used_at = remote->used_date};
}

void huechat_answer(struct request *q, unsigned status, const char *error)
{
    answer_clear(&q->answer);
    q->answer = (struct answer){.status = status,
                                .sent = true,
                                .complete = true,
                                .error = g_strdup(error),
                                .message = g_strdup(error),
                                .request_id = g_strdup("req_1")};
}

static struct remote *find(struct simulation *s, const struct request *q)
{
    for (guint i = 0; i < s->remotes->len; i++) {
        struct remote *remote = s->remotes->pdata[i];

        if (remote->type == q->app->environment && strcmp(remote->id, q->id) == 0 &&
            remote_is_seen(s, remote))
            return remote;
    }
    return NULL;
}

static void get(struct simulation *s, struct request *q)
{
    const struct remote *remote = find(s, q);

    huechat_answer(q, remote != NULL ? 200 : 404, remote != NULL ? "" : "not_found");
    if (remote != NULL)
        q->told = huechat_describe(remote);
}

static void list(struct simulation *s, struct request *q)
{
    huechat_answer(q, 200, "");
    q->counts = true;
    q->served_at = s->now;
    q->keys = g_new0(struct remote_key, s->remotes->len + 1);
    for (guint i = 0; i < s->remotes->len; i++) {
        const struct remote *remote = s->remotes->pdata[i];

        if (remote->type == q->app->environment && remote_is_seen(s, remote))
            q->keys[q->n_keys++] = huechat_describe(remote);
    }
}

static void create(struct simulation *s, struct request *q)
{
    usec_t lag = chance_of(&s->chance, 100) ? chance_below(&s->chance, 40 * USEC_PER_SEC) : 0;

    q->made = huechat_make(s, q->app, q->name, ORIGIN_CREATED);
    q->made->works_from = usec_add(s->now, lag);
    q->made->seen_from = usec_add(s->now, lag / 4);
    huechat_answer(q, 201, "");
    q->told = huechat_describe(q->made);
    simulation_trace(s, q->app, "HueChat creates %s \"%s\"", q->made->id, q->name);
}

static void delete (struct simulation *s, struct request *q)
{
    struct remote *remote = find(s, q);

    huechat_answer(q, remote != NULL ? 204 : 404, remote != NULL ? "" : "not_found");
    if (remote == NULL)
        return;
    judge_killed(s, q->app, remote);
    remote_kill(s, remote, KILLER_KEYTURN);
    simulation_trace(s, q->app, "HueChat deletes %s", remote->id);
}

/* The request arrives. */
void huechat_serve(struct simulation *s, struct request *q)
{
    if (q->key == NULL || !remote_works(s, q->key)) {
        huechat_answer(q, 401, "unauthorized");
        return;
    }
    remote_use(s, q->key);
    switch (q->action) {
    case ACTION_GET:
        get(s, q);
        return;
    case ACTION_LIST:
        list(s, q);
        return;
    case ACTION_CREATE:
        create(s, q);
        return;
    case ACTION_DELETE:
        delete (s, q);
        return;
    case ACTION_PROBE_NEW:
    case ACTION_PROBE_OLD:
        huechat_answer(q, q->key->full_access || chance_of(&s->chance, 900) ? 200 : 403,
                       q->key->full_access ? "" : "forbidden");
        return;
    case ACTION_WAIT:
    case ACTION_CHECK_KEYRING:
    case ACTION_STORE:
    case ACTION_SWAP:
    case ACTION_ANNOUNCE:
    case ACTION_ERASE:
    case ACTION_REMIND:
    case ACTION_END:
        g_assert_not_reached();
    }
}
