/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key in a .env file. Its text is only pointed at, so there is one copy to erase. */
#include "client/dotenv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/lib/cleanup.h"

#define FILE_MAX (1024 * 1024)
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"
#define DEFAULT_VARIABLE "HUECHAT_API_KEY"

struct span {
    const char *start;
    size_t length;
};

struct assignment {
    struct span name;
    struct span value;
};

static bool span_is(struct span span, const char *text)
{
    return strlen(text) == span.length && memcmp(text, span.start, span.length) == 0;
}

static bool span_begins(struct span span, const char *text)
{
    return strlen(text) <= span.length && memcmp(text, span.start, strlen(text)) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip(struct span *span, size_t n)
{
    span->start += n;
    span->length -= n;
}

static void skip_blanks(struct span *span)
{
    while (span->length > 0 && is_blank(*span->start))
        skip(span, 1);
}

static struct span take_name(struct span *line)
{
    struct span name = {.start = line->start};

    while (name.length < line->length &&
           (g_ascii_isalnum(name.start[name.length]) || name.start[name.length] == '_'))
        name.length++;
    skip(line, name.length);
    return name;
}

/* Up to the closing quote; without quotes up to " #" or the end. */
static struct span take_value(struct span line)
{
    char quote = line.length > 0 && (*line.start == '"' || *line.start == '\'') ? *line.start : '\0';
    const char *end;

    if (quote) {
        skip(&line, 1);
        end = memchr(line.start, quote, line.length);
        line.length = end ? (size_t)(end - line.start) : 0;
        return line;
    }
    for (size_t i = 1; i < line.length; i++)
        if (line.start[i] == '#' && is_blank(line.start[i - 1]))
            line.length = i;
    while (line.length > 0 && is_blank(line.start[line.length - 1]))
        line.length--;
    return line;
}

/* NAME=VALUE, with or without export. */
static bool parse_line(struct span line, struct assignment *ret)
{
    struct span name;

    skip_blanks(&line);
    name = take_name(&line);
    if (span_is(name, "export") && line.length > 0 && is_blank(*line.start)) {
        skip_blanks(&line);
        name = take_name(&line);
    }
    skip_blanks(&line);
    if (name.length == 0 || line.length == 0 || *line.start != '=')
        return false;
    skip(&line, 1);
    skip_blanks(&line);
    *ret = (struct assignment){.name = name, .value = take_value(line)};
    return true;
}

static bool next_line(struct span *text, struct span *ret_line)
{
    const char *end;

    if (text->length == 0)
        return false;
    end = memchr(text->start, '\n', text->length);
    *ret_line =
        (struct span){.start = text->start, .length = end ? (size_t)(end - text->start) : text->length};
    skip(text, ret_line->length + (end ? 1 : 0));
    return true;
}

/* What has been found: by name (the last assignment counts, as in a shell), and by look. */
struct found {
    struct span named;
    struct span alike;
    unsigned n_alike;
    GString *names;
};

static void look_at(struct found *found, const struct assignment *a, const char *variable)
{
    if (span_is(a->name, variable))
        found->named = a->value;
    if (!span_begins(a->value, "sk_live_") && !span_begins(a->value, "sk_test_"))
        return;
    if (found->n_alike > 0)
        g_string_append(found->names, ", ");
    if (memmem(a->name.start, a->name.length, "sk_", 3))
        g_string_append(found->names, "(a key)");
    else
        g_string_append_len(found->names, a->name.start, (gssize)a->name.length);
    found->alike = a->value;
    found->n_alike++;
}

static struct secret *to_secret(struct span value, GError **error)
{
    struct secret *secret;

    if (value.length > SECRET_MAX) {
        client_fail(error, "that is longer than any key: give the key alone");
        return NULL;
    }
    secret = secret_new();
    memcpy(secret->text, value.start, value.length);
    secret->length = value.length;
    return secret;
}

struct secret *dotenv_find(const char *text, size_t length, const char *variable, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    struct found found = {.names = names};
    struct span rest = {.start = text, .length = length}, line;
    struct assignment assignment;

    if (span_begins(rest, BYTE_ORDER_MARK))
        skip(&rest, strlen(BYTE_ORDER_MARK));
    while (next_line(&rest, &line))
        if (parse_line(line, &assignment))
            look_at(&found, &assignment, variable ? variable : DEFAULT_VARIABLE);
    if (found.named.length > 0)
        return to_secret(found.named, error);
    if (variable)
        client_fail(error, "there is no %s in it: give another --var, or no --var", variable);
    else if (found.n_alike == 0)
        client_fail(error, "there is no HueChat key in it: name its variable with --var");
    else if (found.n_alike > 1)
        client_fail(error, "there are several HueChat keys in it: name one with --var (%s)", names->str);
    else
        return to_secret(found.alike, error);
    return NULL;
}

/* Returns the length, or a negative errno. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t n = read(fd, buffer + length, size - length);

        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            return (ssize_t)length;
        if (n > 0)
            length += (size_t)n;
    }
    return -EFBIG;
}

/* Files and pipes alone: it may lie in a folder of somebody else's. Returns a descriptor or a negative errno.
 */
static int open_file(const char *path)
{
    _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    struct stat status;
    int taken;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
        return -ENOTSUP;
    if (fcntl(fd, F_SETFL, 0) < 0)
        return -errno;
    taken = fd;
    fd = -1;
    return taken;
}

struct secret *dotenv_read(const char *path, const char *variable, GError **error)
{
    _cleanup_close_ int fd = open_file(path);
    g_autofree char *buffer = g_malloc(FILE_MAX);
    struct secret *secret = NULL;
    ssize_t n = fd < 0 ? fd : read_all(fd, buffer, FILE_MAX);

    if (n < 0) {
        client_fail(error, "%s can't be read (%s): name a .env file", path, g_strerror((int)-n));
    } else {
        secret = dotenv_find(buffer, (size_t)n, variable, error);
        g_prefix_error(error, "%s: ", path);
    }
    explicit_bzero(buffer, FILE_MAX);
    return secret;
}
