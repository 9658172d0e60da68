/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket's buffer is the store: what was written is read when it is asked for. */
#include "daemon/bus/upload.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "daemon/bus/departures.h"
#include "daemon/util/cleanup.h"
#include "daemon/util/clock.h"
#include "daemon/util/sockets.h"

#define UPLOAD_MAX 4096
#define UPLOAD_TIME (30 * USEC_PER_SEC)
#define UPLOADS_MAX 16 /* the bus lets 64 descriptors be under way, and keys have most of them */
#define UPLOADS_OF_USER_MAX 8

struct upload {
    struct uploads *uploads;
    char *sender;
    uid_t uid;
    int fd;
    sd_event_source *end;
};

struct uploads {
    sd_event *event;
    GHashTable *open; /* sender -> upload */
    sd_bus_slot *gone;
};

static void upload_free(void *data)
{
    struct upload *upload = data;

    sd_event_source_disable_unref(upload->end);
    kt_close_p(&upload->fd);
    g_free(upload->sender);
    g_free(upload);
}

static int name_gone(sd_bus_message *signal, void *userdata, sd_bus_error *error)
{
    struct uploads *uploads = userdata;
    const char *name = departures_name(signal);

    if (name != NULL)
        g_hash_table_remove(uploads->open, name);
    return 0;
}

struct uploads *uploads_new(sd_event *event, sd_bus *bus)
{
    struct uploads *uploads = g_new0(struct uploads, 1);

    uploads->event = event;
    uploads->open = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, upload_free);
    if (departures_watch(bus, &uploads->gone, name_gone, uploads) < 0)
        return uploads_free(uploads);
    return uploads;
}

struct uploads *uploads_free(struct uploads *uploads)
{
    if (uploads == NULL)
        return NULL;
    sd_bus_slot_unref(uploads->gone);
    g_hash_table_destroy(uploads->open);
    g_free(uploads);
    return NULL;
}

static int on_end(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct upload *upload = userdata;

    g_hash_table_remove(upload->uploads->open, upload->sender);
    return 0;
}

static unsigned count_of_user(const struct uploads *uploads, uid_t uid)
{
    GHashTableIter each;
    void *upload;
    unsigned n = 0;

    g_hash_table_iter_init(&each, uploads->open);
    while (g_hash_table_iter_next(&each, NULL, &upload))
        n += ((struct upload *)upload)->uid == uid;
    return n;
}

/* Says who wrote, and takes no descriptors. */
static int prepare_end(int fd)
{
    const int yes = 1;

    return setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof yes) < 0 ? -errno
                                                                         : socket_refuse_descriptors(fd);
}

int uploads_open(struct uploads *uploads, const char *sender, uid_t uid)
{
    struct upload *upload;
    int ends[2], r;

    g_hash_table_remove(uploads->open, sender);
    if (count_of_user(uploads, uid) >= UPLOADS_OF_USER_MAX)
        return -EDQUOT;
    if (g_hash_table_size(uploads->open) >= UPLOADS_MAX)
        return -EBUSY;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return -errno;
    upload = g_new0(struct upload, 1);
    *upload = (struct upload){.uploads = uploads, .sender = g_strdup(sender), .uid = uid, .fd = ends[0]};
    r = prepare_end(ends[0]);
    if (r >= 0)
        r = sd_event_add_time_relative(uploads->event, &upload->end, CLOCK_BOOTTIME, UPLOAD_TIME,
                                       USEC_PER_SEC, on_end, upload);
    if (r < 0) {
        upload_free(upload);
        close(ends[1]);
        return r;
    }
    g_hash_table_insert(uploads->open, upload->sender, upload);
    return ends[1];
}

/* Whoever else saw the descriptor pass can write into it: what is not of the sender's own process is passed
 * over. 0 at the end of what is there. */
static ssize_t read_some(int fd, pid_t pid, char *text, size_t size)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
    } control;
    struct ucred writer = {};
    ssize_t n;

    do {
        struct iovec part = {.iov_base = text, .iov_len = size};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
        const struct cmsghdr *header;

        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS)
            memcpy(&writer, CMSG_DATA(header), sizeof writer);
    } while (n > 0 && writer.pid != pid);
    return MAX(n, 0);
}

/* All that is there, which may have come in several writes. Nothing more is let in, so that it has an end
 * however fast somebody writes. */
static size_t read_all(int fd, pid_t pid, char *text, size_t size)
{
    size_t length = 0;
    ssize_t n;

    if (shutdown(fd, SHUT_RD) < 0)
        return 0;
    while (length < size && (n = read_some(fd, pid, text + length, size - length)) > 0)
        length += (size_t)n;
    return length;
}

struct secret *uploads_take(struct uploads *uploads, const char *sender, pid_t pid)
{
    struct upload *upload = g_hash_table_lookup(uploads->open, sender);
    struct secret *secret = NULL;
    char text[UPLOAD_MAX];
    size_t length;

    if (upload == NULL)
        return NULL;
    length = read_all(upload->fd, pid, text, sizeof text);
    while (length > 0 && g_ascii_isspace(text[length - 1]))
        length--;
    if (length > 0)
        secret = secret_new(text, length);
    explicit_bzero(text, sizeof text);
    g_hash_table_remove(uploads->open, sender);
    return secret;
}
