/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts a helper process with one end of a socketpair, speaks D-Bus with it, and replaces it when it hangs
 * or dies. Knows neither keyring nor provider. */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "daemon/util/clock.h"

struct helper;

/* argv[0] is the program's path; "--bus-fd", "N" are added, and what helper_set_readable() says. idle_after:
 * ended that long after the last answer; USEC_INFINITY: kept. The strings are copied. Nothing is started yet.
 * SIGCHLD has to be blocked by the time of the first call. NULL: no memory. */
struct helper *helper_new(sd_event *event, const char *program, const char *interface, usec_t idle_after);

/* The file or folder that the process may read besides what every program needs: it is told by "--read PATH".
 * NULL: none, as at the start. Copied. A process that was started with another one is ended when the next
 * call is made; those that are open then are answered as if it had died. */
void helper_set_readable(struct helper *helper, const char *path);

/* Kills the process; every open call is answered with an error before this returns. Callbacks may call any
 * function of this file, this one too. Returns NULL. */
struct helper *helper_free(struct helper *helper);

/* A method call for helper_call(); starts the process if it is not there. 0 or negative errno (-EAGAIN: it
 * died too often of late). The message is marked sensitive. The caller releases it. */
int helper_new_call(struct helper *helper, const char *member, sd_bus_message **ret);

/* reply: the method's return; or NULL, and error is the helper's own, org.freedesktop.DBus.Error.NoReply (it
 * died), or org.freedesktop.DBus.Error.Timeout (it was late, and has been killed). Both are valid during the
 * call; the reply is marked sensitive. */
typedef void (*helper_reply_fn)(sd_bus_message *reply, const sd_bus_error *error, void *userdata);

/* Sends; reply_fn is called exactly once, never from inside this call. Takes the deadline as a span. If the
 * process can't be started (call is NULL: what helper_new_call() left) or written to, reply_fn gets an error
 * too. */
void helper_call(struct helper *helper, sd_bus_message *call, usec_t timeout, helper_reply_fn reply_fn,
                 void *userdata);

/* Ends the process now: it went stale. Open calls get NoReply. */
void helper_kill(struct helper *helper);

/* Its pid, 0 when it is not running. */
pid_t helper_pid(const struct helper *helper);
