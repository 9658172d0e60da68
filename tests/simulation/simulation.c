/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The universe itself: time, what happens next, and the storm that is followed by a calm. */
#include "tests/simulation/simulation.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STORM (500 * USEC_PER_DAY)
#define CALM (120 * USEC_PER_DAY)
#define BIRTH (20000 * USEC_PER_DAY)
#define MOST_STEPS_AT_ONCE 20000

usec_t simulation_our_time(const struct simulation *s)
{
    return (usec_t)((int64_t)s->now + s->our_offset);
}

usec_t simulation_its_time(const struct simulation *s)
{
    return (usec_t)((int64_t)s->now + s->its_offset) / USEC_PER_SEC * USEC_PER_SEC;
}

static bool is_before(const struct happening *a, const struct happening *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(GPtrArray *heap, unsigned a, unsigned b)
{
    void *held = heap->pdata[a];

    heap->pdata[a] = heap->pdata[b];
    heap->pdata[b] = held;
}

static void put(struct simulation *s, struct happening *h)
{
    unsigned i = s->queue->len;

    g_ptr_array_add(s->queue, h);
    for (; i > 0 && is_before(s->queue->pdata[i], s->queue->pdata[(i - 1) / 2]); i = (i - 1) / 2)
        swap(s->queue, i, (i - 1) / 2);
}

struct happening *simulation_plan(struct simulation *s, usec_t span,
                                  void (*fn)(struct simulation *, struct happening *), struct app *app)
{
    struct happening *h = g_new0(struct happening, 1);

    *h = (struct happening){.at = usec_add(s->now, span), .order = s->order++, .fn = fn, .app = app};
    put(s, h);
    return h;
}

static struct happening *take_next(struct simulation *s)
{
    GPtrArray *heap = s->queue;
    struct happening *first = heap->pdata[0];
    unsigned i = 0;

    heap->pdata[0] = heap->pdata[heap->len - 1];
    g_ptr_array_set_size(heap, (int)heap->len - 1);
    for (;;) {
        unsigned least = i;

        for (unsigned child = 2 * i + 1; child <= 2 * i + 2 && child < heap->len; child++)
            if (is_before(heap->pdata[child], heap->pdata[least]))
                least = child;
        if (least == i)
            return first;
        swap(heap, i, least);
        i = least;
    }
}

struct app *simulation_app(struct simulation *s, const char *name)
{
    for (unsigned i = 0; i < s->n_apps; i++)
        if (strcmp(s->apps[i].name, name) == 0)
            return &s->apps[i];
    return NULL;
}

struct course *simulation_course(struct simulation *s, const char *rid)
{
    return g_hash_table_lookup(s->courses, rid);
}

void simulation_excuse_all(struct simulation *s)
{
    for (unsigned i = 0; i < s->n_apps; i++)
        s->apps[i].excused_at = s->now;
}

void simulation_trace(struct simulation *s, struct app *app, const char *format, ...)
{
    va_list arguments;
    g_autofree char *text = NULL;
    char **place = &app->trace[app->traced++ % G_N_ELEMENTS(app->trace)];

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_free(*place);
    *place =
        g_strdup_printf("%4u d %02u:%02u:%09.6f  %-12s %s", (unsigned)((s->now - BIRTH) / USEC_PER_DAY),
                        (unsigned)(s->now / USEC_PER_HOUR % 24), (unsigned)(s->now / USEC_PER_MINUTE % 60),
                        (double)(s->now % USEC_PER_MINUTE) / USEC_PER_SEC, app->name, text);
    if (s->verbose)
        puts(*place);
}

void simulation_fail(struct simulation *s, int invariant, struct app *app, const char *format, ...)
{
    va_list arguments;
    g_autofree char *text = NULL;
    GString *all;

    if (s->failure != NULL)
        return;
    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    all = g_string_new(NULL);
    g_string_append_printf(
        all, "invariant %d broken, seed %" G_GUINT64_FORMAT ", step %" G_GUINT64_FORMAT ", %s: %s\n",
        invariant, s->seed, s->steps, app != NULL ? app->name : "all", text);
    for (unsigned i = app != NULL && app->traced > 64 ? app->traced - 64 : 0; app != NULL && i < app->traced;
         i++)
        g_string_append_printf(all, "%s\n", app->trace[i % G_N_ELEMENTS(app->trace)]);
    s->failure = g_string_free(all, FALSE);
}

struct simulation *simulation_new(uint64_t seed, bool verbose)
{
    struct simulation *s = g_new0(struct simulation, 1);

    s->seed = seed;
    s->chance.state = seed;
    s->verbose = verbose;
    s->now = BIRTH;
    s->keyring = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    s->disk = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)(void *)rotation_free);
    s->known_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    s->courses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    s->remotes = g_ptr_array_new_with_free_func(remote_free);
    s->queue = g_ptr_array_new();
    people_settle(s);
    process_start(s, NULL);
    return s;
}

struct simulation *simulation_free(struct simulation *s)
{
    if (s->process != NULL)
        process_crash(s);
    while (s->queue->len > 0) {
        struct happening *h = take_next(s);

        if (h->drop != NULL)
            h->drop(h->data);
        g_free(h);
    }
    for (unsigned i = 0; i < s->n_apps; i++) {
        g_ptr_array_unref(s->apps[i].rows);
        g_ptr_array_unref(s->apps[i].holders);
        for (unsigned k = 0; k < G_N_ELEMENTS(s->apps[i].trace); k++)
            g_free(s->apps[i].trace[k]);
    }
    g_hash_table_unref(s->keyring);
    g_hash_table_unref(s->disk);
    g_hash_table_unref(s->known_ids);
    g_hash_table_unref(s->courses);
    g_ptr_array_unref(s->queue);
    g_ptr_array_unref(s->remotes);
    g_free(s->failure);
    g_free(s);
    return NULL;
}

/* When the rotator wants its tick, in true time. */
static usec_t tick_at(struct simulation *s)
{
    usec_t next = s->process != NULL ? rotator_next(s->process->rotator) : NEVER;

    if (next == NEVER)
        return NEVER;
    return MAX((usec_t)MAX((int64_t)next - s->our_offset, (int64_t)s->now), s->asleep_until);
}

/* What is keyturnd's own waits for as long as the machine sleeps. */
static void happen(struct simulation *s, struct happening *h)
{
    s->now = h->at;
    if (h->epoch != 0 && s->now < s->asleep_until) {
        h->at = s->asleep_until;
        put(s, h);
        return;
    }
    h->fn(s, h);
    g_free(h);
}

/* One thing happens; false: nothing is left to happen before end. */
static bool step(struct simulation *s, usec_t end)
{
    usec_t tick = tick_at(s), before = s->now;
    const struct happening *first = s->queue->len > 0 ? s->queue->pdata[0] : NULL;

    if (MIN(tick, first != NULL ? first->at : NEVER) > end)
        return false;
    s->steps++;
    if (first == NULL || tick < first->at) {
        s->now = tick;
        rotator_tick(s->process->rotator);
    } else {
        happen(s, take_next(s));
    }
    if (s->crashing)
        process_crash(s);
    s->stuck = s->now == before ? s->stuck + 1 : 0;
    if (s->stuck > MOST_STEPS_AT_ONCE)
        simulation_fail(s, 7, NULL, "it never comes to rest: time stands still");
    judge_step(s);
    return true;
}

static void judge_rest(struct simulation *s)
{
    const char *why;
    struct app *app;

    if (s->failure == NULL && !judge_is_at_rest(s, &why, &app))
        simulation_fail(s, 3, app, "after the storm: %s", why);
}

bool simulation_run(struct simulation *s)
{
    usec_t end = s->now + STORM;
    const char *why;
    struct app *app;

    while (s->failure == NULL && step(s, end))
        ;
    s->now = MAX(s->now, end);
    if (s->failure == NULL)
        people_calm_down(s);
    end = s->now + CALM;
    while (s->failure == NULL && step(s, end))
        if (s->steps % 64 == 0 && judge_is_at_rest(s, &why, &app))
            break;
    judge_rest(s);
    return s->failure == NULL;
}
