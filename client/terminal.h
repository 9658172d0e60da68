/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to the person at the terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Asks on /dev/tty and reads one line without echo into buffer, without its end. The echo is back before a
 * signal takes effect. Returns the length, or a negative errno (-EMSGSIZE: longer than size). */
int terminal_read_hidden(const char *prompt, char *buffer, size_t size);

/* Tells a failure and asks whether to try again; false without a terminal, where nothing is told. */
bool terminal_try_again(const char *failure);
