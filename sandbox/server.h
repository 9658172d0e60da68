/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HTTP and HTTPS on a listening socket, in the event loop's thread: the only place of libmicrohttpd. */
#pragma once

#include <systemd/sd-event.h>

#include "sandbox/reply.h"
#include "sandbox/request.h"

struct server;

/* Answers a request; the reply has been rendered, and the server frees it. */
typedef struct reply *(*answer_fn)(void *userdata, const struct request *request);

/* Serves on listen_fd, and closes it in the end. certificate and key are PEM texts, both NULL for plain HTTP.
 * Returns NULL with a message in *ret_error (g_free). */
struct server *server_new(sd_event *event, int listen_fd, const char *certificate, const char *key,
                          answer_fn answer, void *userdata, char **ret_error);

/* Ends every connection. */
struct server *server_free(struct server *server);
