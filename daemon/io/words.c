/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pipe. Once there were too many lines, nobody reads it any more, and a helper that goes on is ended by
 * SIGPIPE. */
#include "daemon/io/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

#include <glib.h>

#include "daemon/io/journal.h"
#include "daemon/util/cleanup.h"
#include "daemon/util/text.h"

struct words {
    const char *name;
    int fd; /* -1: it has said enough, or its end is closed */
    sd_event_source *readable;
    char line[1024];
    size_t length;
    unsigned n_lines;
};

static void stop(struct words *words)
{
    words->readable = sd_event_source_disable_unref(words->readable);
    kt_close_p(&words->fd);
}

static void note(struct words *words)
{
    g_autofree char *text = NULL;

    words->line[words->length] = '\0';
    text = text_line(words->line, NULL);
    words->length = 0;
    if (*text != '\0')
        journal_send(LOG_WARNING, NULL, NULL, "%s says: %s", words->name, text);
    if (++words->n_lines < WORDS_LINES_MAX)
        return;
    journal_send(LOG_WARNING, NULL, NULL, "%s says more, which is not noted", words->name);
    stop(words);
}

static void take(struct words *words, const char *text, size_t length)
{
    for (size_t i = 0; i < length && words->fd >= 0; i++) {
        if (text[i] != '\n')
            words->line[words->length++] = text[i] != '\0' ? text[i] : ' ';
        if (text[i] == '\n' || words->length == sizeof words->line - 1)
            note(words);
    }
}

/* False: there is nothing more for now. */
static bool read_some(struct words *words)
{
    char text[4096];
    ssize_t n;

    if (words->fd < 0)
        return false;
    n = read(words->fd, text, sizeof text);
    if (n > 0)
        take(words, text, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        stop(words);
    explicit_bzero(text, sizeof text);
    return n > 0;
}

static int on_readable(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    read_some(userdata);
    return 0;
}

int words_new(sd_event *event, const char *name, int *ret_end, struct words **ret)
{
    struct words *words;
    int ends[2], r;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    words = g_new0(struct words, 1);
    *words = (struct words){.name = name, .fd = ends[0]};
    r = fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
    if (r >= 0)
        r = sd_event_add_io(event, &words->readable, words->fd, EPOLLIN, on_readable, words);
    if (r < 0) {
        close(ends[1]);
        words_free(words);
        return r;
    }
    *ret_end = ends[1];
    *ret = words;
    return 0;
}

struct words *words_free(struct words *words)
{
    if (words == NULL)
        return NULL;
    while (read_some(words))
        ;
    if (words->length > 0)
        note(words);
    stop(words);
    explicit_bzero(words->line, sizeof words->line);
    g_free(words);
    return NULL;
}
