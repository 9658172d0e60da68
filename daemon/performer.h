/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Performs the actions of a rotation on provider, keyring and vault, and hands their answers to rotator. */
#pragma once

#include "daemon/daemon.h"

/* A rotator_world's perform; userdata is the struct daemon. */
void performer_perform(const struct rotation *rotation, const struct rotation_step *step, void *userdata);
