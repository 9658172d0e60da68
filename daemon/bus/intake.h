/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every call comes through here first (system mode). The bus counts an answer against keyturnd until it is
 * read, so who asks all the time and reads nothing would in the end have the bus take nothing more from
 * keyturnd, for nobody. */
#pragma once

#include "daemon/bus/bus.h"

struct intake;

/* Before anything else takes calls. NULL: the bus takes no filter. */
struct intake *intake_new(struct service *service);
struct intake *intake_free(struct intake *intake);
