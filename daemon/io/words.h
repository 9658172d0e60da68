/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a helper says on its standard output and error, noted in the log line by line as its words, for so
 * many lines. Were they keyturnd's own, it could write any line of keyturnd's, or so many that the journal
 * drops keyturnd's. */
#pragma once

#include <systemd/sd-event.h>

#define WORDS_LINES_MAX 64

struct words;

/* name is the helper's, borrowed. *ret_end is what it is to write to: the caller closes it. 0 or negative
 * errno.
 */
int words_new(sd_event *event, const char *name, int *ret_end, struct words **ret);

/* Notes what is there still. Returns NULL; NULL is fine. */
struct words *words_free(struct words *words);
