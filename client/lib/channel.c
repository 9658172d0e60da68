/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a key comes through: a pair of sockets. */
#include "client/lib/channel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEY_MAX 4096

int channel_open(int *ret_ours, int *ret_lent)
{
    int ends[2], r;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    /* Before anybody else has the other end. */
    if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int)) < 0) {
        r = -errno;
        close(ends[0]);
        close(ends[1]);
        return r;
    }
    *ret_ours = ends[0];
    *ret_lent = ends[1];
    return 0;
}

/* The kernel's word on who sent it; 0: none. */
static pid_t find_sender(struct msghdr *message)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    struct ucred credentials;

    if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
        return 0;
    memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
    return credentials.pid;
}

/* A key is printable and has no blank: what is none may be meant for a terminal. */
static bool is_word(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return length > 0;
}

/* Descriptors that came along had no room, and are closed by the kernel. */
static int copy_text(const struct msghdr *message, const char *text, ssize_t n, char **ret_key)
{
    if (message->msg_flags & (MSG_TRUNC | MSG_CTRUNC) || !is_word(text, (size_t)n))
        return -EBADMSG;
    *ret_key = strndup(text, (size_t)n);
    return *ret_key ? 0 : -ENOMEM;
}

/* sender: 0 if anybody may have sent it. */
static int receive(int fd, pid_t sender, struct msghdr *message, char **ret_key)
{
    char buffer[KEY_MAX];
    struct iovec part = {.iov_base = buffer, .iov_len = sizeof(buffer)};
    ssize_t n;
    int r;

    message->msg_iov = &part;
    message->msg_iovlen = 1;
    do
        n = recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        r = -errno;
    else if (sender > 0 && find_sender(message) != sender)
        r = -EKEYREJECTED;
    else
        r = copy_text(message, buffer, n, ret_key);
    explicit_bzero(buffer, sizeof(buffer));
    return r;
}

int channel_take(int ours, pid_t sender, char **ret_key)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr aligned;
    } control;
    struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof(control)};

    return sender > 0 ? receive(ours, sender, &message, ret_key) : -EKEYREJECTED;
}

int channel_read(int read_end, char **ret_key)
{
    struct msghdr message = {};

    return receive(read_end, 0, &message, ret_key);
}
