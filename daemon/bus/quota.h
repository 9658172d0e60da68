/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of something each user may have at a time, so that nobody uses up what is everybody's. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct quota;

/* each: for one uid; all: for all of them together. */
struct quota *quota_new(unsigned each, unsigned all);
struct quota *quota_free(struct quota *quota);

/* One more for this uid. False: it has its share, or there is no more. */
bool quota_take(struct quota *quota, uid_t uid);

/* One that was taken is over. */
void quota_give_back(struct quota *quota, uid_t uid);
