/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conversation with the Secret Service: opened when it is needed, always encrypted, never asking the user
 * anything. Errors go into an sd_bus_error under the names of the Keyring contract. */
#pragma once

#include <stdbool.h>

#include <libsecret/secret.h>
#include <systemd/sd-bus.h>

typedef struct KtSession KtSession;

KtSession *kt_session_new(void);
void kt_session_free(KtSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KtSession, kt_session_free)

/* Opens the session if there is none and finds the default collection unlocked; starts an activatable
 * service. KeyringAbsent, KeyringLocked or Failed. */
int kt_session_ready(KtSession *session, sd_bus_error *ret_error);

/* KeyringLocked if the default collection is locked by now. */
int kt_session_unlocked(KtSession *session, sd_bus_error *ret_error);

/* True if the service would have to be started to be asked anything: no one owns the name, and one could. */
int kt_session_is_dormant(KtSession *session, bool *ret, sd_bus_error *ret_error);

/* The service that this session was opened with is not the one on the bus, or the bus is gone. */
bool kt_session_is_stale(KtSession *session);

/* Forgets service and connection; the next call opens them anew. */
void kt_session_close(KtSession *session);

/* Borrowed; only after kt_session_ready(). */
SecretService *kt_session_service(KtSession *session);
const char *kt_session_collection(KtSession *session);

/* A property of an object of the service, fresh; never starts the service. NULL with an error. */
GVariant *kt_session_get(KtSession *session, const char *path, const char *interface, const char *property,
                         GError **error);

/* Any method of an object of the service. Takes a floating reference of arguments; NULL with an error. */
GVariant *kt_session_call(KtSession *session, const char *path, const char *interface, const char *method,
                          GVariant *arguments, GError **error);

/* Puts what the service said under a name of the contract; returns the negative errno of that. */
int kt_session_error(sd_bus_error *ret_error, const char *what, const GError *cause);

/* A Secret Service that answers every prompt with an error instead of showing it. */
GType kt_silent_service_get_type(void);
