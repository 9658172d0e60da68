/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A secret on its way from a person to keyturnd: read without echo, sent through a socket, erased. */
#pragma once

#include "client/client.h"

#define SECRET_MAX 4096

/* Wiped and freed by secret_free(). */
struct secret {
    size_t length;
    char text[SECRET_MAX + 1];
};

/* Forbids core dumps and debuggers: the first thing in a verb that touches a secret. */
void secret_hide_process(void);

struct secret *secret_new(void);
struct secret *secret_free(struct secret *secret);

/* The first line of standard input that is not empty, without blanks around it; from a terminal without echo,
 * after the prompt. NULL with error set. */
struct secret *secret_read(const char *prompt, GError **error);

/* Hands it to keyturnd for the next ImportKey or SetManagementKey. Returns 0, or -1 with error set. */
int secret_upload(struct client *client, const struct secret *secret, GError **error);

static inline void secret_free_p(struct secret **secret)
{
    *secret = secret_free(*secret);
}

#define _cleanup_secret_ __attribute__((cleanup(secret_free_p)))
