/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One slot a rotation. Its record is committed before its action is performed, always; a record that could
 * not be committed is tried again, and until then its rotation stands still. */
#include "daemon/rotator.h"

#include <errno.h>

#include <glib.h>

#define COMMIT_AGAIN (10 * USEC_PER_SEC)

struct slot {
    struct rotation *record;
    struct rotation *saved;    /* as it is on disk */
    struct rotation_step step; /* to be performed as soon as record is saved */
    enum rotation_state from;
    usec_t unsaved_at; /* record could not be saved then; 0: it is saved */
    bool busy;         /* an action is under way */
    unsigned words;    /* events of persons that wait: 1 << type */
};

struct rotator {
    const struct rotator_world *world;
    void *userdata;
    GHashTable *slots;   /* rid -> slot */
    GHashTable *running; /* integration -> its slot that is not over, or was the last to be so */
};

static void slot_free(void *data)
{
    struct slot *slot = data;

    rotation_free(slot->record);
    rotation_free(slot->saved);
    g_free(slot);
}

struct rotator *rotator_new(const struct rotator_world *world, void *userdata)
{
    struct rotator *rotator = g_new0(struct rotator, 1);

    rotator->world = world;
    rotator->userdata = userdata;
    rotator->slots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, slot_free);
    rotator->running = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return rotator;
}

struct rotator *rotator_free(struct rotator *rotator)
{
    if (rotator == NULL)
        return NULL;
    g_hash_table_destroy(rotator->running);
    g_hash_table_destroy(rotator->slots);
    g_free(rotator);
    return NULL;
}

static struct slot *slot_add(struct rotator *rotator, struct rotation *record)
{
    struct slot *slot = g_new0(struct slot, 1);

    slot->record = record;
    slot->saved = rotation_copy(record);
    g_hash_table_insert(rotator->slots, g_strdup(record->rid), slot);
    if (!rotation_is_over(record))
        g_hash_table_insert(rotator->running, g_strdup(record->integration), slot);
    return slot;
}

void rotator_adopt(struct rotator *rotator, struct rotation *rotation)
{
    slot_add(rotator, rotation);
}

/* Puts the slot's record on disk with the change of its step, if that is news. */
static bool save(struct rotator *rotator, struct slot *slot)
{
    if (slot->step.change == CHANGE_NONE && rotation_equal(slot->record, slot->saved)) {
        slot->unsaved_at = 0;
        if (slot->step.pause || slot->step.attention)
            rotator->world->changed(slot->record, slot->from, &slot->step, rotator->userdata);
        return true;
    }
    if (rotator->world->commit(slot->record, slot->from, slot->step.change, rotator->userdata) < 0) {
        slot->unsaved_at = rotator->world->now(rotator->userdata);
        return false;
    }
    rotation_free(slot->saved);
    slot->saved = rotation_copy(slot->record);
    slot->unsaved_at = 0;
    rotator->world->changed(slot->record, slot->from, &slot->step, rotator->userdata);
    return true;
}

static void drop(struct rotator *rotator, struct slot *slot)
{
    struct rotation *record = g_steal_pointer(&slot->record);

    if (g_hash_table_lookup(rotator->running, record->integration) == slot)
        g_hash_table_remove(rotator->running, record->integration);
    g_hash_table_remove(rotator->slots, record->rid);
    rotator->world->ended(record, rotator->userdata);
    rotation_free(record);
}

/* Performs the step of a saved record. True: *ret_next is to be fed. */
static bool perform(struct rotator *rotator, struct slot *slot, enum rotation_event_type *ret_next)
{
    switch (slot->step.action) {
    case ACTION_WAIT:
        return false;
    case ACTION_SWAP:
        *ret_next = EVENT_SWAPPED;
        return true;
    case ACTION_REMIND:
        rotator->world->remind(slot->record, rotator->userdata);
        *ret_next = EVENT_WAKE;
        return true;
    case ACTION_END:
        drop(rotator, slot);
        return false;
    case ACTION_GET:
    case ACTION_LIST:
    case ACTION_CHECK_KEYRING:
    case ACTION_CREATE:
    case ACTION_STORE:
    case ACTION_PROBE_NEW:
    case ACTION_PROBE_OLD:
    case ACTION_ANNOUNCE:
    case ACTION_DELETE:
    case ACTION_ERASE:
        break;
    }
    slot->busy = true;
    rotator->world->perform(slot->record, &slot->step, rotator->userdata);
    return false;
}

static void decide(struct rotator *rotator, struct slot *slot, const struct rotation_event *event)
{
    struct rotation_facts facts = {};

    rotator->world->read_facts(slot->record, &facts, rotator->userdata);
    slot->from = slot->record->state;
    slot->step = rotation_next(slot->record, event, &facts);
}

/* Saves, performs, and goes on for as long as that needs nobody's answer. */
static void carry_on(struct rotator *rotator, struct slot *slot)
{
    enum rotation_event_type next;

    while (save(rotator, slot) && perform(rotator, slot, &next))
        decide(rotator, slot, &(struct rotation_event){.type = next});
}

static bool is_free(const struct slot *slot)
{
    return !slot->busy && slot->unsaved_at == 0;
}

/* Feeds what persons said meanwhile. The slot may be gone afterwards. */
static void take_words(struct rotator *rotator, const char *rid)
{
    static const enum rotation_event_type words[] = {EVENT_RESUME, EVENT_ROLLBACK, EVENT_CONFIRM, EVENT_HURRY,
                                                     EVENT_REJECTED};

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        struct slot *slot = g_hash_table_lookup(rotator->slots, rid);

        if (slot == NULL || !is_free(slot))
            return;
        if ((slot->words & 1u << words[i]) == 0)
            continue;
        slot->words &= ~(1u << words[i]);
        decide(rotator, slot, &(struct rotation_event){.type = words[i]});
        carry_on(rotator, slot);
    }
}

static void feed(struct rotator *rotator, struct slot *slot, const struct rotation_event *event)
{
    g_autofree char *rid = g_strdup(slot->record->rid);

    decide(rotator, slot, event);
    carry_on(rotator, slot);
    take_words(rotator, rid);
}

static void wake(struct rotator *rotator, struct slot *slot)
{
    feed(rotator, slot, &(struct rotation_event){.type = EVENT_WAKE});
}

int rotator_start(struct rotator *rotator, struct rotation *rotation)
{
    int r = rotator->world->commit(rotation, rotation->state, CHANGE_NONE, rotator->userdata);

    if (r < 0) {
        rotation_free(rotation);
        return r;
    }
    rotator->world->changed(rotation, rotation->state, &(struct rotation_step){.action = ACTION_WAIT},
                            rotator->userdata);
    wake(rotator, slot_add(rotator, rotation));
    return 0;
}

static struct slot *find(struct rotator *rotator, const char *integration)
{
    struct slot *slot = g_hash_table_lookup(rotator->running, integration);

    return slot != NULL && !rotation_is_over(slot->record) ? slot : NULL;
}

const struct rotation *rotator_find(struct rotator *rotator, const char *integration)
{
    struct slot *slot = find(rotator, integration);

    return slot != NULL ? slot->record : NULL;
}

/* A hurry is not to be lost, even if the answer that its turn waits for never comes. */
static bool save_hurry(struct rotator *rotator, struct slot *slot)
{
    rotation_hurry(slot->record);
    slot->step = (struct rotation_step){.action = ACTION_WAIT};
    slot->from = (enum rotation_state)slot->record->state;
    if (save(rotator, slot))
        return true;
    slot->unsaved_at = 0; /* the action's answer follows, and is saved with this */
    return false;
}

int rotator_say(struct rotator *rotator, const char *integration, const struct rotation_event *event)
{
    struct slot *slot = find(rotator, integration);

    if (slot == NULL)
        return -ENOENT;
    if (slot->unsaved_at != 0)
        return -EIO;
    if (event->type == EVENT_SUPPLIED) {
        if (!is_free(slot))
            return -EBUSY;
        feed(rotator, slot, event);
        return 0;
    }
    if (slot->busy && event->type == EVENT_HURRY && !save_hurry(rotator, slot))
        return -EIO;
    slot->words |= 1u << event->type;
    take_words(rotator, slot->record->rid);
    return 0;
}

void rotator_answer(struct rotator *rotator, const char *rid, const struct rotation_event *event)
{
    struct slot *slot = g_hash_table_lookup(rotator->slots, rid);

    if (slot == NULL || !slot->busy)
        return;
    slot->busy = false;
    feed(rotator, slot, event);
}

bool rotator_sending(struct rotator *rotator, const char *rid)
{
    struct slot *slot = g_hash_table_lookup(rotator->slots, rid);

    if (slot == NULL || !slot->busy)
        return false;
    decide(rotator, slot, &(struct rotation_event){.type = EVENT_SENDING});
    if (save(rotator, slot))
        return true;
    slot->unsaved_at = 0; /* the create's answer (not sent) follows, and is saved with this */
    return false;
}

/* Calls fn for every slot that is there now and still there when its turn comes. */
static void for_each(struct rotator *rotator, bool (*wanted)(struct slot *slot, const void *argument),
                     const void *argument, void (*fn)(struct rotator *rotator, struct slot *slot))
{
    g_autofree char **rids = (char **)g_hash_table_get_keys_as_array(rotator->slots, NULL);
    g_auto(GStrv) copies = g_strdupv(rids);

    for (char **rid = copies; *rid != NULL; rid++) {
        struct slot *slot = g_hash_table_lookup(rotator->slots, *rid);

        if (slot != NULL && wanted(slot, argument))
            fn(rotator, slot);
    }
}

/* Goes on with a record that could not be saved, or lets it look again. */
static void act(struct rotator *rotator, struct slot *slot)
{
    g_autofree char *rid = g_strdup(slot->record->rid);

    if (slot->unsaved_at == 0) {
        wake(rotator, slot);
        return;
    }
    if (slot->step.change == CHANGE_SWAP) /* the overlap begins when the swap is on disk */
        slot->record->swapped_at = rotator->world->now(rotator->userdata);
    carry_on(rotator, slot);
    take_words(rotator, rid);
}

static bool may_wake(struct slot *slot, const void *argument)
{
    return !slot->busy && (argument == NULL || g_strcmp0(slot->record->integration, argument) == 0);
}

void rotator_wake(struct rotator *rotator)
{
    for_each(rotator, may_wake, NULL, act);
}

void rotator_wake_integration(struct rotator *rotator, const char *integration)
{
    for_each(rotator, may_wake, integration, act);
}

static usec_t due_at(const struct slot *slot)
{
    if (slot->busy)
        return USEC_INFINITY;
    if (slot->unsaved_at != 0)
        return usec_add(slot->unsaved_at, COMMIT_AGAIN);
    return slot->record->next_at != 0 ? slot->record->next_at : USEC_INFINITY;
}

usec_t rotator_next(struct rotator *rotator)
{
    GHashTableIter iter;
    void *value;
    usec_t next = USEC_INFINITY;

    g_hash_table_iter_init(&iter, rotator->slots);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        next = MIN(next, due_at(value));
    return next;
}

/* A wait that begins in the future was begun before the clock was set back. */
static bool is_due(struct slot *slot, const void *argument)
{
    usec_t now = *(const usec_t *)argument, due = due_at(slot);
    usec_t since = slot->unsaved_at != 0 ? slot->unsaved_at : slot->record->waits_since;

    return due != USEC_INFINITY && (due <= now || since > now);
}

void rotator_tick(struct rotator *rotator)
{
    usec_t now = rotator->world->now(rotator->userdata);

    for_each(rotator, is_due, &now, act);
}

static gboolean belongs(void *rid, void *slot, void *integration)
{
    return g_strcmp0(((struct slot *)slot)->record->integration, integration) == 0;
}

void rotator_forget(struct rotator *rotator, const char *integration)
{
    g_hash_table_remove(rotator->running, integration);
    g_hash_table_foreach_remove(rotator->slots, belongs, (void *)integration);
}
