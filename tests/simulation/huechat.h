/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between HueChat and the faults on the way to it. */
#pragma once

#include "tests/simulation/simulation.h"

/* Does what the request asks for, and fills in its answer. */
void huechat_serve(struct simulation *s, struct request *q);
void huechat_answer(struct request *q, unsigned status, const char *error);
struct remote_key huechat_describe(const struct remote *remote);
