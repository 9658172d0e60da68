/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Damage to the content of an answer. */
#pragma once

#include "sandbox/fault.h"

/* Adds a permission that was not asked for. True: there was none left, so that it has to be Full Access. */
bool spoil_widen(char ***permissions);

/* Others than were asked for, as narrow as can be. */
void spoil_exchange(char ***permissions);

/* Changes the body of an answer of that status by the kinds of fault that do; others leave it alone. */
void spoil_json(const struct fault *fault, unsigned status, json_object *body, const char *other_id);
