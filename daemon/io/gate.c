/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts lines up to where sd-bus takes the authentication as done, then follows the messages' lengths. Looks
 * at nothing else of what it moves, and erases it. */
#include "daemon/io/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <glib.h>

#include "daemon/util/cleanup.h"

#define LINES 3 /* DATA, OK, AGREE_UNIX_FD: what sd-bus waits for, whatever they say */
#define LINES_BYTES_MAX 4096
#define HEAD 16 /* of a message: what its length is known by */

struct gate {
    int from, to;
    sd_event_source *readable, *writable;
    unsigned n_lines;
    size_t n_line_bytes;
    bool after_cr, closed;
    uint8_t head[HEAD];
    size_t n_head;
    uint64_t rest; /* of the message under way */
    uint8_t bytes[16384];
    size_t start, end; /* of what is still to be moved */
};

static uint64_t number_at(const struct gate *gate, size_t at)
{
    uint32_t number;

    memcpy(&number, gate->head + at, sizeof number);
    return gate->head[0] == 'l' ? GUINT32_FROM_LE(number) : GUINT32_FROM_BE(number);
}

/* Whether the message that begins so is short enough. */
static bool begin_message(struct gate *gate)
{
    uint64_t fields = (number_at(gate, 12) + 7) / 8 * 8, body = number_at(gate, 4);

    gate->n_head = 0;
    gate->rest = fields + body;
    return (gate->head[0] == 'l' || gate->head[0] == 'B') && HEAD + gate->rest <= GATE_MESSAGE_MAX;
}

static bool follow_line(struct gate *gate, uint8_t byte)
{
    if (gate->after_cr && byte == '\n')
        gate->n_lines++;
    gate->after_cr = byte == '\r';
    return ++gate->n_line_bytes <= LINES_BYTES_MAX;
}

/* Whether all of it may pass. */
static bool follow(struct gate *gate, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n;) {
        if (gate->n_lines < LINES) {
            if (!follow_line(gate, bytes[i++]))
                return false;
        } else if (gate->rest > 0) {
            size_t part = (size_t)MIN(gate->rest, n - i);

            gate->rest -= part;
            i += part;
        } else {
            gate->head[gate->n_head++] = bytes[i++];
            if (gate->n_head == HEAD && !begin_message(gate))
                return false;
        }
    }
    return true;
}

/* sd-bus sees the end when it has read what has passed. */
static void close_gate(struct gate *gate)
{
    gate->closed = true;
    shutdown(gate->to, SHUT_WR);
    gate->readable = sd_event_source_disable_unref(gate->readable);
    gate->writable = sd_event_source_disable_unref(gate->writable);
}

/* False: there is nothing. */
static bool fill(struct gate *gate)
{
    ssize_t n = recv(gate->from, gate->bytes, sizeof gate->bytes, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0 || !follow(gate, gate->bytes, (size_t)n)) {
        close_gate(gate);
        return true;
    }
    gate->start = 0;
    gate->end = (size_t)n;
    return true;
}

/* Waits for the one thing that is missing. */
static void wait_for(struct gate *gate, bool room)
{
    sd_event_source_set_enabled(gate->readable, room ? SD_EVENT_OFF : SD_EVENT_ON);
    sd_event_source_set_enabled(gate->writable, room ? SD_EVENT_ON : SD_EVENT_OFF);
}

bool gate_pump(struct gate *gate)
{
    ssize_t n;

    if (gate->closed || (gate->start == gate->end && !fill(gate)))
        return false;
    if (gate->closed)
        return true;
    n = send(gate->to, gate->bytes + gate->start, gate->end - gate->start, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        close_gate(gate);
        return true;
    }
    if (n > 0) {
        explicit_bzero(gate->bytes + gate->start, (size_t)n);
        gate->start += (size_t)n;
    }
    wait_for(gate, gate->start < gate->end);
    return n > 0;
}

static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    gate_pump(userdata);
    return 0;
}

static int watch(struct gate *gate, sd_event *event)
{
    int r = sd_event_add_io(event, &gate->readable, gate->from, EPOLLIN, on_ready, gate);

    if (r >= 0)
        r = sd_event_add_io(event, &gate->writable, gate->to, EPOLLOUT, on_ready, gate);
    return r < 0 ? r : sd_event_source_set_enabled(gate->writable, SD_EVENT_OFF);
}

int gate_new(sd_event *event, int socket, int *ret_end, struct gate **ret)
{
    struct gate *gate;
    int ends[2], r;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
        return -errno;
    gate = g_new0(struct gate, 1);
    *gate = (struct gate){.from = fcntl(socket, F_DUPFD_CLOEXEC, 0), .to = ends[1]};
    r = gate->from < 0 ? -errno : watch(gate, event);
    if (r < 0) {
        close(ends[0]);
        gate_free(gate);
        return r;
    }
    *ret_end = ends[0];
    *ret = gate;
    return 0;
}

struct gate *gate_free(struct gate *gate)
{
    if (gate == NULL)
        return NULL;
    sd_event_source_disable_unref(gate->readable);
    sd_event_source_disable_unref(gate->writable);
    kt_close_p(&gate->from);
    kt_close_p(&gate->to);
    explicit_bzero(gate->bytes, sizeof gate->bytes);
    g_free(gate);
    return NULL;
}
