/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who was refused what within a minute. Pure: whoever owns it ends the minute, and tells. Its memory, and
 * what is told, are bounded, however many names, units and uids the refused go through. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of one uid so many kinds are told apart in a minute, and so many uids; the rest is one count. Whoever has
 * subordinate uids (subuid(5)) has thousands, so that those get half of the places at most. */
#define TALLY_KINDS 16
/* And so many in a row of minutes: whoever goes on for hours is told of less, or nobody else's would be seen
 * any more. */
#define TALLY_ROOM 64
#define TALLY_ROOM_A_MINUTE 4
#define TALLY_UIDS 32
#define TALLY_SUBORDINATE 100000 /* where they start */

/* Two refusals are of one kind if all of this is the same. NULL is "". */
struct tally_kind {
    uid_t uid; /* (uid_t)-1 where it is not known */
    const char *unit;
    const char *integration;
    const char *rule;
};

enum tally_scope {
    TALLY_OF_KIND, /* more of this kind */
    TALLY_OF_UID,  /* of that uid's further kinds: the texts are NULL */
    TALLY_OF_ALL,  /* of further uids */
};

struct tally_count {
    enum tally_scope scope;
    struct tally_kind kind;
    uint64_t count; /* never 0 */
};

struct tally;

struct tally *tally_new(void);
struct tally *tally_free(struct tally *tally);

/* One more refusal. True: the first of its kind in this minute, to be told as a whole. False: it is counted.
 */
bool tally_add(struct tally *tally, const struct tally_kind *kind);

/* Nothing was added since the minute began. */
bool tally_is_empty(const struct tally *tally);

/* There is something of earlier minutes that another minute would let go. */
bool tally_remembers(const struct tally *tally);

/* Ends the minute: calls each for what was counted, in the order in which the kinds came, and forgets all.
 * The texts are valid during the call. */
void tally_end(struct tally *tally, void (*each)(const struct tally_count *count, void *userdata),
               void *userdata);
