/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every verb, one file each or one a family. */
#pragma once

#include "client/client.h"

#define VERB(name) int verb_##name(struct client *client, int argc, char **argv, GError **error)

VERB(login);
VERB(logout);
VERB(add);
VERB(import);
VERB(get);
VERB(exec);
VERB(list);
VERB(status);
VERB(due);
VERB(rotate);
VERB(resume);
VERB(rollback);
VERB(confirm_deleted);
VERB(revoke);
VERB(remove);
VERB(log);
VERB(watch);
VERB(explain);
VERB(edit);
VERB(reload);
VERB(doctor);
VERB(audit);
VERB(check);
VERB(remind);
VERB(metrics);
