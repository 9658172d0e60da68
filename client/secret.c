/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A secret on its way from a person to keyturnd. It is read with read(2), since stdio would keep a copy. */
#include "client/secret.h"

#include "client/bus.h"
#include "client/lib/cleanup.h"
#include "client/terminal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

void secret_hide_process(void)
{
    prctl(PR_SET_DUMPABLE, 0);
}

/* Pages of its own, out of the swap where the limit allows. */
struct secret *secret_new(void)
{
    void *pages =
        mmap(NULL, sizeof(struct secret), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED)
        g_error("out of memory");
    (void)mlock(pages, sizeof(struct secret));
    return pages;
}

struct secret *secret_free(struct secret *secret)
{
    if (secret) {
        explicit_bzero(secret, sizeof(*secret));
        munmap(secret, sizeof(*secret));
    }
    return NULL;
}

/* Reads up to the end of the first line, or of the file. Returns 0 or a negative errno. */
static int read_line(int fd, struct secret *secret)
{
    for (;;) {
        char *start = secret->text + secret->length, *end;
        ssize_t n = read(fd, start, SECRET_MAX - secret->length);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        end = memchr(start, '\n', (size_t)n);
        secret->length = (size_t)((end ? end : start + n) - secret->text);
        if (end || n == 0)
            break;
        if (secret->length == SECRET_MAX)
            return -EMSGSIZE;
    }
    if (secret->length > 0 && secret->text[secret->length - 1] == '\r')
        secret->length--;
    memset(secret->text + secret->length, 0, sizeof(secret->text) - secret->length);
    return 0;
}

struct secret *secret_read(const char *prompt, GError **error)
{
    _cleanup_secret_ struct secret *secret = secret_new();
    int r;

    if (isatty(STDIN_FILENO)) {
        r = terminal_read_hidden(prompt, secret->text, SECRET_MAX);
        secret->length = r < 0 ? 0 : (size_t)r;
    } else {
        r = read_line(STDIN_FILENO, secret);
    }
    if (r == -EMSGSIZE)
        client_fail(error, "that is longer than any key: give the key alone");
    else if (r < 0)
        client_fail(error, "no key could be read (%s): give it on standard input", g_strerror(-r));
    else if (secret->length == 0)
        client_fail(error, "no key was given: give it on standard input, or type it");
    else if (strlen(secret->text) != secret->length)
        client_fail(error, "the key has a zero byte in it: copy it again");
    else
        return g_steal_pointer(&secret);
    return NULL;
}

int secret_upload(struct client *client, const struct secret *secret, GError **error)
{
    _cleanup_message_ sd_bus_message *reply = NULL;
    ssize_t n;
    int r, fd;

    if (bus_call(client, "OpenUpload", &reply, error, "") < 0)
        return -1;
    r = sd_bus_message_read(reply, "h", &fd);
    if (r < 0)
        return bus_bad_reply(r, error);
    n = send(fd, secret->text, secret->length, MSG_NOSIGNAL);
    r = n < 0 ? errno : 0;
    /* From here on nobody else can add to it. The descriptor is the reply's, and closed with it. */
    shutdown(fd, SHUT_WR);
    if (n < 0 || (size_t)n != secret->length)
        return client_fail(error, "the key could not be sent to keyturnd (%s): try again",
                           n < 0 ? g_strerror(r) : "cut short");
    return 0;
}
