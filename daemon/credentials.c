/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The listening end; visit has the rest. While too many are served, connections wait in the kernel's queue:
 * closing one would be an empty answer. */
#include "daemon/credentials.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "daemon/util/cleanup.h"
#include "daemon/util/files.h"
#include "daemon/visit.h"

#define VISITS_MAX 256

struct credentials {
    struct daemon *daemon;
    int fd;
    char *path; /* of a socket of our own, else NULL */
    sd_event_source *source;
    sd_event_source *rest; /* timer */
    GPtrArray *visits;     /* struct visit */
};

static void free_visit(void *visit)
{
    visit_free(visit);
}

static void ended(struct visit *visit, void *userdata)
{
    struct credentials *credentials = userdata;

    g_ptr_array_remove_fast(credentials->visits, visit);
    if (credentials->source != NULL)
        sd_event_source_set_enabled(credentials->source, SD_EVENT_ON);
}

static void receive(struct credentials *credentials, int fd)
{
    struct visit *visit = visit_new(credentials->daemon, fd, ended, credentials);

    g_ptr_array_add(credentials->visits, visit);
    visit_begin(visit);
}

static int on_rested(sd_event_source *source, uint64_t when, void *userdata)
{
    struct credentials *credentials = userdata;

    return sd_event_source_set_enabled(credentials->source, SD_EVENT_ON);
}

static void rest(struct credentials *credentials)
{
    if (sd_event_source_set_time_relative(credentials->rest, USEC_PER_SEC) >= 0 &&
        sd_event_source_set_enabled(credentials->rest, SD_EVENT_ONESHOT) >= 0)
        sd_event_source_set_enabled(credentials->source, SD_EVENT_OFF);
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct credentials *credentials = userdata;
    int peer;

    if (credentials->visits->len >= VISITS_MAX)
        return sd_event_source_set_enabled(source, SD_EVENT_OFF);
    peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (peer >= 0)
        receive(credentials, peer);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        rest(credentials); /* it waits, and without a descriptor for it we would be called again at once */
    return 0;
}

static int listen_at(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    _cleanup_close_ int fd = -1;
    mode_t mask;
    int r;

    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || (unlink(path) < 0 && errno != ENOENT))
        return -errno;
    mask = umask(0177);
    r = bind(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? -errno : 0;
    umask(mask);
    if (r < 0 || listen(fd, SOMAXCONN) < 0)
        return r < 0 ? r : -errno;
    r = fd;
    fd = -1;
    return r;
}

/* What systemd passed: the listening socket, and connections that an earlier keyturnd held when it crashed.
 */
static int take_passed(struct credentials *credentials)
{
    int n = sd_listen_fds(1);

    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (sd_is_socket_unix(fd, SOCK_STREAM, 1, NULL, 0) > 0 && credentials->fd < 0)
            credentials->fd = fd;
        else if (sd_is_socket_unix(fd, SOCK_STREAM, 0, NULL, 0) > 0)
            receive(credentials, fd);
        else
            close(fd);
    }
    return n < 0 ? n : 0;
}

static int open_socket(struct credentials *credentials)
{
    struct daemon *daemon = credentials->daemon;
    int r = take_passed(credentials);

    if (r < 0 || credentials->fd >= 0)
        return r;
    if (daemon->system_mode)
        return 0; /* only systemd can make one that belongs to root */
    r = folder_make(daemon->paths.runtime);
    if (r < 0)
        return r;
    credentials->path = g_build_filename(daemon->paths.runtime, "credentials.sock", NULL);
    r = listen_at(credentials->path);
    if (r < 0)
        return r;
    credentials->fd = r;
    return 0;
}

int credentials_new(struct daemon *daemon, struct credentials **ret)
{
    struct credentials *credentials = g_new0(struct credentials, 1);
    int r;

    *credentials = (struct credentials){
        .daemon = daemon, .fd = -1, .visits = g_ptr_array_new_with_free_func(free_visit)};
    r = open_socket(credentials);
    if (r >= 0 && credentials->fd >= 0)
        r = sd_event_add_io(daemon->event, &credentials->source, credentials->fd, EPOLLIN, on_connection,
                            credentials);
    if (r >= 0)
        r = sd_event_add_time_relative(daemon->event, &credentials->rest, CLOCK_MONOTONIC, 0, 0, on_rested,
                                       credentials);
    if (r >= 0)
        r = sd_event_source_set_enabled(credentials->rest, SD_EVENT_OFF);
    if (r < 0) {
        credentials_free(credentials);
        return r;
    }
    *ret = credentials;
    return 0;
}

struct credentials *credentials_free(struct credentials *credentials)
{
    if (credentials == NULL)
        return NULL;
    credentials->source = sd_event_source_disable_unref(credentials->source);
    sd_event_source_disable_unref(credentials->rest);
    g_ptr_array_unref(credentials->visits);
    if (credentials->path != NULL && credentials->fd >= 0)
        unlink(credentials->path);
    kt_close_p(&credentials->fd);
    g_free(credentials->path);
    g_free(credentials);
    return NULL;
}
