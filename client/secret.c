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

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

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

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How much of what was read stands before the key: blanks, empty lines, and a byte order mark. */
static size_t find_start(const struct secret *secret)
{
    size_t at =
        strncmp(secret->text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0 ? strlen(BYTE_ORDER_MARK) : 0;

    while (at < secret->length && is_space(secret->text[at]))
        at++;
    return at;
}

/* Leaves the first line that is not empty, without the blanks around it. */
static void trim(struct secret *secret)
{
    size_t start = find_start(secret), length = secret->length - start;
    const char *end = memchr(secret->text + start, '\n', length);

    if (end)
        length = (size_t)(end - secret->text) - start;
    while (length > 0 && is_space(secret->text[start + length - 1]))
        length--;
    memmove(secret->text, secret->text + start, length);
    memset(secret->text + length, 0, sizeof(secret->text) - length);
    secret->length = length;
}

/* Reads up to the end of a line that is not empty, or of the file. Returns 0 or a negative errno. */
static int read_line(int fd, struct secret *secret)
{
    for (;;) {
        ssize_t n = read(fd, secret->text + secret->length, SECRET_MAX - secret->length);
        size_t start;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        secret->length += (size_t)n;
        start = find_start(secret);
        if (n == 0 || memchr(secret->text + start, '\n', secret->length - start))
            return 0;
        if (secret->length == SECRET_MAX)
            return -EMSGSIZE;
    }
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
    if (r >= 0)
        trim(secret);
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
