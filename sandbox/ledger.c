/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One line an event, each written at once by one write(2). */
#include "sandbox/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/text.h"
#include "sandbox/views.h"

struct ledger {
    int fd; /* -1: memory alone */
    json_object *requests;
};

struct reading {
    struct ledger *ledger;
    struct keys *keys;
    struct replay *replay;
    gint64 *clock_offset;
};

static int append(struct ledger *ledger, json_object *event)
{
    g_autofree char *line = NULL;
    ssize_t n;

    if (ledger->fd < 0)
        return 0;
    line = g_strdup_printf("%s\n", json_object_to_json_string_ext(event, JSON_C_TO_STRING_PLAIN |
                                                                             JSON_C_TO_STRING_NOSLASHESCAPE));
    n = write(ledger->fd, line, strlen(line));
    if (n < 0)
        return -errno;
    return (size_t)n == strlen(line) ? 0 : -ENOSPC;
}

int ledger_created(struct ledger *ledger, const struct key *key)
{
    g_autoptr(json_object) event = json_object_new_object();

    json_add_text(event, "event", "created");
    json_object_object_add(event, "key", view_record(key));
    return append(ledger, event);
}

int ledger_deleted(struct ledger *ledger, const struct key *key)
{
    g_autoptr(json_object) event = json_object_new_object();

    json_add_text(event, "event", "deleted");
    json_add_text(event, "id", key->id);
    json_add_time(event, "deleted_at", key->deleted_at);
    return append(ledger, event);
}

int ledger_clock(struct ledger *ledger, gint64 clock_offset)
{
    g_autoptr(json_object) event = json_object_new_object();

    json_add_text(event, "event", "clock");
    json_object_object_add(event, "offset_us", json_object_new_int64(clock_offset));
    return append(ledger, event);
}

int ledger_request(struct ledger *ledger, json_object *request)
{
    g_autoptr(json_object) event = json_object_new_object();

    json_object_array_add(ledger->requests, request);
    json_add_text(event, "event", "request");
    json_object_object_add(event, "request", json_object_get(request));
    return append(ledger, event);
}

json_object *ledger_requests(struct ledger *ledger)
{
    return json_object_get(ledger->requests);
}

static bool read_created(struct reading *reading, json_object *event)
{
    struct key *key = view_read_record(json_object_object_get(event, "key"));

    if (key == NULL)
        return false;
    keys_add(reading->keys, key);
    if (key->idempotency_key != NULL)
        replay_add(reading->replay, key->type, key->idempotency_key, key->body_hash, NULL, key->created_at);
    return true;
}

static bool read_deleted(struct reading *reading, json_object *event)
{
    const char *id = json_text_of(event, "id"), *when = json_text_of(event, "deleted_at");
    struct key *key = id != NULL ? keys_by_id(reading->keys, id) : NULL;

    return key != NULL && when != NULL && text_parse_time(when, &key->deleted_at) == 0;
}

static bool read_request(struct reading *reading, json_object *event)
{
    json_object *request;
    const char *id, *used_at;
    struct key *key;

    if (!json_object_object_get_ex(event, "request", &request) ||
        !json_object_is_type(request, json_type_object))
        return false;
    json_object_array_add(reading->ledger->requests, json_object_get(request));
    id = json_text_of(request, "key_id");
    used_at = json_text_of(request, "used_at");
    key = id != NULL ? keys_by_id(reading->keys, id) : NULL;
    return key == NULL || used_at == NULL || text_parse_time(used_at, &key->last_used_at) == 0;
}

static bool read_event(struct reading *reading, const char *line)
{
    g_autoptr(json_object) event = json_parse(line, strlen(line));
    const char *kind = event != NULL ? json_text_of(event, "event") : NULL;

    if (g_strcmp0(kind, "created") == 0)
        return read_created(reading, event);
    if (g_strcmp0(kind, "deleted") == 0)
        return read_deleted(reading, event);
    if (g_strcmp0(kind, "request") == 0)
        return read_request(reading, event);
    if (g_strcmp0(kind, "clock") != 0)
        return false;
    *reading->clock_offset = json_number_of(event, "offset_us", 0);
    return true;
}

/* The text up to its last newline; what follows was cut short. */
static char *read_events(struct reading *reading, const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) lines = NULL;
    char *end;

    if (!g_file_get_contents(path, &text, NULL, &error))
        return g_strdup(error->message);
    end = strrchr(text, '\n');
    end = end != NULL ? end + 1 : text;
    *end = '\0';
    if (ftruncate(reading->ledger->fd, end - text) < 0)
        return g_strdup_printf("%s: %s", path, g_strerror(errno));
    lines = g_strsplit(text, "\n", -1);
    for (size_t i = 0; lines[i] != NULL; i++)
        if (*lines[i] != '\0' && !read_event(reading, lines[i]))
            return g_strdup_printf("%s:%zu: not a line of a sandbox's ledger", path, i + 1);
    return NULL;
}

struct ledger *ledger_open(const char *path, struct keys *keys, struct replay *replay, gint64 *clock_offset,
                           char **ret_error)
{
    struct ledger *ledger = g_new0(struct ledger, 1);
    struct reading reading = {ledger, keys, replay, clock_offset};
    struct stat file;
    char *error = NULL;

    ledger->requests = json_object_new_array();
    ledger->fd = -1;
    if (path == NULL)
        return ledger;
    ledger->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (ledger->fd < 0 || fstat(ledger->fd, &file) < 0)
        error = g_strdup_printf("%s: %s", path, g_strerror(errno));
    else if (!S_ISREG(file.st_mode))
        error = g_strdup_printf("%s: not a regular file", path);
    else if (flock(ledger->fd, LOCK_EX | LOCK_NB) < 0)
        error = g_strdup_printf("%s: %s", path,
                                errno == EWOULDBLOCK ? "another sandbox has it open" : g_strerror(errno));
    else
        error = read_events(&reading, path);
    if (error == NULL)
        return ledger;
    *ret_error = error;
    return ledger_free(ledger);
}

struct ledger *ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return NULL;
    if (ledger->fd >= 0)
        close(ledger->fd);
    json_object_put(ledger->requests);
    g_free(ledger);
    return NULL;
}
