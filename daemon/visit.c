/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd connects from the abstract address \0RANDOM/unit/UNIT/ID: ID names the integration, UNIT is the
 * policy's subject. Anyone can bind such an address, so the peer's uid decides whether it is believed. While
 * a connection is held, systemd keeps it too: when keyturnd crashes, the next one goes on with it. */
#include "daemon/visit.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/accounting.h"
#include "daemon/core/credential-address.h"
#include "daemon/core/errors.h"
#include "daemon/core/policy.h"
#include "daemon/io/process.h"
#include "daemon/operations/operation.h"
#include "daemon/refusals.h"
#include "daemon/secrets.h"
#include "daemon/util/cleanup.h"

#define REFUSAL_BYTES (1024 * 1024 + 4096) /* systemd takes 1 MiB */
#define HOLD (30 * USEC_PER_SEC)
#define AGAIN (250 * USEC_PER_MSEC)

struct visit {
    struct daemon *daemon;
    visit_end_fn ended;
    void *userdata;
    int fd;
    struct ucred peer;
    char *unit;
    char *integration;
    sd_event_source *io; /* writing a refusal, or the peer's end */
    sd_event_source *timer;
    usec_t deadline;
    size_t left;  /* of a refusal */
    bool settled; /* answered, or refused in full */
    bool asking;
    bool gone;    /* the peer left while the keyring was asked */
    char *stored; /* the name under which systemd keeps the connection, or NULL */
};

static const char padding[4096];

/* systemd keeps the connection while it is held. Without a systemd that does, nothing is lost but this. */
static void keep(struct visit *visit)
{
    g_autofree char *state = NULL;

    if (visit->stored != NULL)
        return;
    visit->stored = g_strdup_printf("visit-%d", visit->fd);
    state = g_strdup_printf("FDSTORE=1\nFDNAME=%s", visit->stored);
    sd_pid_notify_with_fds(0, 0, state, &visit->fd, 1);
}

static void forget(struct visit *visit)
{
    if (visit->stored != NULL)
        sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", visit->stored);
}

static void end(struct visit *visit)
{
    if (visit->asking)
        visit->gone = true;
    else
        visit->ended(visit, visit->userdata);
}

static int write_refusal(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct visit *visit = userdata;
    ssize_t n = send(fd, padding, MIN(visit->left, sizeof padding), MSG_NOSIGNAL);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n > 0)
        visit->left -= (size_t)n;
    if (n <= 0 || visit->left == 0) {
        visit->settled = true;
        end(visit);
    }
    return 0;
}

/* To the log and the history; the service's start fails. */
static void refuse(struct visit *visit, const char *why)
{
    struct daemon *daemon = visit->daemon;
    g_autofree char *message = g_strdup_printf("refused: %s", why);
    g_autofree char *caller = g_strdup_printf("%s (credentials socket, pid %d, uid %u)", visit->unit,
                                              (int)visit->peer.pid, (unsigned)visit->peer.uid);

    refusals_note(daemon->refusals, &(struct refusal){.uid = visit->peer.uid,
                                                      .integration = visit->integration,
                                                      .rule = why,
                                                      .message = message,
                                                      .caller = caller,
                                                      .unit = visit->unit});
    visit->left = REFUSAL_BYTES;
    sd_event_source_set_enabled(visit->timer, SD_EVENT_OFF);
    visit->io = sd_event_source_disable_unref(visit->io);
    if (sd_event_add_io(daemon->event, &visit->io, visit->fd, EPOLLOUT, write_refusal, visit) < 0)
        end(visit); /* and refused as it is freed */
}

static void account(struct visit *visit, struct entry *entry)
{
    struct daemon *daemon = visit->daemon;
    g_autofree char *boot_id = process_boot_id();
    g_autofree char *command = process_name(visit->peer.pid);
    g_autofree char *invocation = unit_invocation(visit->unit, !daemon->system_mode);
    g_autofree char *caller = g_strdup_printf("%s (credentials socket)", visit->unit);
    struct holder holder = {
        .boot_id = boot_id,
        .unit = visit->unit,
        .invocation_id = invocation != NULL ? invocation : (char *)"",
        .pid = visit->peer.pid,
        .uid = visit->peer.uid,
        .command = command,
    };

    if (invocation == NULL)
        process_start_time(visit->peer.pid, &holder.start_time);
    accounting_fetched(daemon->accounting, entry, &holder, caller);
}

static bool may_come_later(const GError *error)
{
    return error->domain == KT_ERROR &&
           (error->code == KT_KEYRING_LOCKED || error->code == KT_KEYRING_ABSENT || error->code == KT_BUSY ||
            error->code == KT_FAILED);
}

static void answered(const struct secret *secret, const GError *error, void *userdata)
{
    struct visit *visit = userdata;
    struct daemon *daemon = visit->daemon;
    struct entry *entry = registry_find(daemon->registry, visit->integration);
    ssize_t n;

    visit->asking = false;
    if (visit->gone) {
        visit->settled = true;
        end(visit);
        return;
    }
    if (error != NULL && may_come_later(error) && clock_now() < visit->deadline) {
        keep(visit);
        sd_event_source_set_time_relative(visit->timer, AGAIN);
        sd_event_source_set_enabled(visit->timer, SD_EVENT_ONESHOT);
        return;
    }
    if (error != NULL || entry == NULL) {
        refuse(visit, error != NULL ? error->message : "it was removed meanwhile");
        return;
    }
    n = send(visit->fd, secret_text(secret), secret_length(secret), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n != (ssize_t)secret_length(secret)) {
        refuse(visit, "the connection did not take the key");
        return;
    }
    visit->settled = true;
    account(visit, entry);
    end(visit);
}

static bool is_listed(char *const *units, const char *unit)
{
    return units != NULL && g_strv_contains((const char *const *)units, unit);
}

/* The same policy as on the bus. The caller frees *ret_why. */
static bool is_allowed(const struct visit *visit, const struct entry *entry, char **ret_why)
{
    const struct daemon *daemon = visit->daemon;
    const struct policy_setting setting = {.system_mode = daemon->system_mode, .own_uid = getuid()};
    const struct subject subject = {
        .uid = daemon->system_mode ? (uid_t)-1 : visit->peer.uid,
        .unit = visit->unit,
        .unit_is_strong = daemon->system_mode,
    };
    struct decision decision = policy_decide(entry->definition->allow, &subject, &setting);
    bool allowed = decision.allowed;

    if (!allowed)
        *ret_why = g_strdup_printf("%s (%s)", decision.rule, decision.evidence);
    else if (is_listed(entry->definition->reload_units, visit->unit)) {
        *ret_why =
            g_strdup("a reload does not refresh LoadCredential=: name the unit in RestartUnits= instead of "
                     "ReloadUnits=");
        allowed = false;
    }
    decision_clear(&decision);
    return allowed;
}

static void ask(struct visit *visit)
{
    struct daemon *daemon = visit->daemon;
    g_autoptr(GError) error = NULL;
    struct entry *entry = operation_find(daemon, visit->integration, &error);
    g_autofree char *why = NULL;

    if (entry == NULL) {
        refuse(visit, error->message);
        return;
    }
    if (!is_allowed(visit, entry, &why)) {
        refuse(visit, why);
        return;
    }
    visit->asking = true;
    secrets_get(daemon, entry, answered, visit);
}

static int ask_again(sd_event_source *source, uint64_t usec, void *userdata)
{
    ask(userdata);
    return 0;
}

static int peer_left(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct visit *visit = userdata;

    sd_event_source_set_enabled(visit->io, SD_EVENT_OFF);
    visit->settled = true;
    end(visit);
    return 0;
}

static bool read_address(struct visit *visit)
{
    const size_t start = offsetof(struct sockaddr_un, sun_path) + 1;
    struct sockaddr_un address;
    socklen_t size = sizeof address;

    if (getpeername(visit->fd, (struct sockaddr *)&address, &size) < 0 || size <= start ||
        address.sun_path[0] != '\0')
        return false;
    return credential_address_parse(address.sun_path + 1, size - start, &visit->unit, &visit->integration);
}

static bool is_believed(const struct visit *visit)
{
    if (visit->daemon->system_mode)
        return visit->peer.uid == 0;
    return visit->peer.uid == getuid() || visit->peer.uid == 0;
}

struct visit *visit_new(struct daemon *daemon, int fd, visit_end_fn ended, void *userdata)
{
    struct visit *visit = g_new0(struct visit, 1);

    *visit = (struct visit){.daemon = daemon, .ended = ended, .userdata = userdata, .fd = fd};
    visit->deadline = usec_add(clock_now(), HOLD);
    return visit;
}

void visit_begin(struct visit *visit)
{
    sd_event *event = visit->daemon->event;
    socklen_t size = sizeof visit->peer;
    bool known = getsockopt(visit->fd, SOL_SOCKET, SO_PEERCRED, &visit->peer, &size) == 0;
    bool named = read_address(visit);

    if (!named) {
        visit->unit = g_strdup("no unit");
        visit->integration = g_strdup("");
    }
    if (sd_event_add_time_relative(event, &visit->timer, CLOCK_MONOTONIC, 0, 0, ask_again, visit) < 0 ||
        sd_event_source_set_enabled(visit->timer, SD_EVENT_OFF) < 0 ||
        sd_event_add_io(event, &visit->io, visit->fd, EPOLLHUP, peer_left, visit) < 0)
        end(visit); /* and refused as it is freed */
    else if (!known || !is_believed(visit))
        refuse(visit, "only the service manager is served here");
    else if (!named)
        refuse(visit, "this is not systemd's LoadCredential=");
    else
        ask(visit);
}

/* The last resort, where no event loop helps: in one go, waiting for a second at most. */
static void refuse_now(struct visit *visit)
{
    const struct timeval second = {.tv_sec = 1};
    size_t left = visit->left > 0 ? visit->left : REFUSAL_BYTES;
    int flags = fcntl(visit->fd, F_GETFL);

    if (flags < 0 || fcntl(visit->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
        setsockopt(visit->fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second) < 0)
        return;
    while (left > 0) {
        ssize_t n = send(visit->fd, padding, MIN(left, sizeof padding), MSG_NOSIGNAL);

        if (n <= 0)
            return;
        left -= (size_t)n;
    }
}

struct visit *visit_free(struct visit *visit)
{
    if (visit == NULL)
        return NULL;
    if (!visit->settled)
        refuse_now(visit);
    /* systemd's own copy, perhaps under an earlier name, must not keep it open. */
    shutdown(visit->fd, SHUT_RDWR);
    forget(visit);
    sd_event_source_disable_unref(visit->io);
    sd_event_source_disable_unref(visit->timer);
    kt_close_p(&visit->fd);
    g_free(visit->unit);
    g_free(visit->integration);
    g_free(visit->stored);
    g_free(visit);
    return NULL;
}
