/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drives every rotation: commits what core/rotation decides, has its action performed, feeds the answer back.
 * The world that it acts on is a table of functions, so that a simulation runs this very code. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/core/rotation.h"

struct rotator;

struct rotator_world {
    usec_t (*now)(void *userdata);

    /* Texts in facts stay valid until the next call. */
    void (*read_facts)(const struct rotation *rotation, struct rotation_facts *ret, void *userdata);

    /* One transaction on disk; sets new_key for CHANGE_NEW_KEY. from: the state before. 0, or negative errno
     * and nothing was changed: then nothing else is done for this rotation until a later try succeeds. */
    int (*commit)(struct rotation *rotation, enum rotation_state from, enum rotation_change change,
                  void *userdata);

    /* Begins an action; its event comes by rotator_answer(), later. Never ACTION_WAIT, _SWAP, _REMIND or
     * _END. */
    void (*perform)(const struct rotation *rotation, const struct rotation_step *step, void *userdata);

    /* It is on disk, or there is nothing new but attention or pause. from: the state before. Change,
     * attention and pause are the step's. May call no function of the rotator but the readers. */
    void (*changed)(const struct rotation *rotation, enum rotation_state from,
                    const struct rotation_step *step, void *userdata);

    /* A person has to be reminded: rotation_guidance(). */
    void (*remind)(const struct rotation *rotation, void *userdata);

    /* The record needs nothing more and has left the rotator. May call no function of the rotator but the
     * readers. */
    void (*ended)(const struct rotation *rotation, void *userdata);
};

struct rotator *rotator_new(const struct rotator_world *world, void *userdata);
struct rotator *rotator_free(struct rotator *rotator);

/* Takes a record that is on disk (after a start). It moves at the next rotator_wake(). */
void rotator_adopt(struct rotator *rotator, struct rotation *rotation);

/* Takes a new record and puts it on disk, then goes on with it. Negative errno: it is not on disk, and freed.
 */
int rotator_start(struct rotator *rotator, struct rotation *rotation);

/* The rotation of this integration that is not over, or NULL. Valid until the next call that is no reader. */
const struct rotation *rotator_find(struct rotator *rotator, const char *integration);

/* What a person says to it (EVENT_RESUME, _ROLLBACK, _CONFIRM, _HURRY), an app's EVENT_REJECTED, or a key
 * that was supplied (EVENT_SUPPLIED). Taken in once a running action has been answered; a hurry is on disk
 * before. -ENOENT: no rotation under way. -EBUSY: a supplied key can't be taken in now. -EIO: the ledger
 * can't be written. */
int rotator_say(struct rotator *rotator, const char *integration, const struct rotation_event *event);

/* The answer to an action. An rid that is not known, or waits for nothing, is passed over. */
void rotator_answer(struct rotator *rotator, const char *rid, const struct rotation_event *event);

/* Its create is about to leave: true once that is on disk. */
bool rotator_sending(struct rotator *rotator, const char *rid);

/* A hindrance has gone (keyring, management key, holders), or keyturnd has started: all that wait look again.
 */
void rotator_wake(struct rotator *rotator);
void rotator_wake_integration(struct rotator *rotator, const char *integration);

/* When rotator_tick() has work, our time; USEC_INFINITY: never. After the clock was set, tick at once. */
usec_t rotator_next(struct rotator *rotator);
void rotator_tick(struct rotator *rotator);

/* Drops all records of an integration that was forgotten; answers that still come are passed over. */
void rotator_forget(struct rotator *rotator, const char *integration);
