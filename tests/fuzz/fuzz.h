/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a fuzz-NAME.c offers, to libFuzzer or to main.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Inputs to begin with, up to NULL. */
extern const char *const fuzz_seeds[];

/* libFuzzer's name. It aborts if something is wrong, and returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
