/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* HueChat's documents, read by json-c. Pure. */
#include "daemon/helpers/huechat/contract.h"

#include <errno.h>
#include <string.h>

#include "daemon/helpers/huechat/reader.h"
#include "daemon/util/text.h"

#define TEXT_MAX 4096
#define PERMISSIONS_MAX 64

static const char *const types[] = {"live", "test", NULL};
static const char *const accesses[] = {"full", "custom", NULL};
static const unsigned error_statuses[] = {400, 401, 403, 404, 409, 422, 429, 500, 502, 503};

/* One bad name of somebody's must not cost the listing of all others. */
static char *get_name(struct reader *reader, const char *name)
{
    return text_printable(reader_text(reader, name, TEXT_MAX), TEXT_MAX);
}

/* An id goes where everybody may read it, and one that looks like a key may be one. "." and ".." mean
 * something else in a path, however they are encoded. */
static const char *get_id(struct reader *reader)
{
    const char *id = reader_word(reader, "id", CONTRACT_ID_MAX);

    if (!reader->failed && (id[strspn(id, ".")] == '\0' || text_shows_key(id, NULL)))
        reader_fail(reader, "id");
    return id;
}

static struct key get_key(struct reader *reader)
{
    struct key key = {
        .id = g_strdup(get_id(reader)),
        .name = get_name(reader, "name"),
        .type = g_strdup(reader_choice(reader, "type", types)),
        .access = g_strdup(reader_choice(reader, "access", accesses)),
        .permissions = reader_words(reader, "permissions", PERMISSIONS_MAX),
        .last4 = g_strdup(reader_word(reader, "last4", 4)),
        .created_at = reader_time(reader, "created_at"),
        .last_used_at = reader_time(reader, "last_used_at"),
    };

    if (!reader->failed && strlen(key.last4) != 4)
        reader_fail(reader, "last4");
    return key;
}

void key_clear(struct key *key)
{
    g_free(key->id);
    g_free(key->name);
    g_free(key->type);
    g_free(key->access);
    g_strfreev(key->permissions);
    g_free(key->last4);
    *key = (struct key){0};
}

static void key_free(void *p)
{
    key_clear(p);
    g_free(p);
}

void listing_clear(struct listing *listing)
{
    g_clear_pointer(&listing->keys, g_ptr_array_unref);
}

void fault_clear(struct fault *fault)
{
    g_free(fault->error);
    g_free(fault->message);
    g_free(fault->request_id);
    *fault = (struct fault){0};
}

static int refused(const struct reader *reader, const char **ret_why)
{
    *ret_why = reader->why;
    return -EBADMSG;
}

int contract_read_key(const char *text, size_t length, struct key *ret, const char **ret_why)
{
    _cleanup_json_ json_object *object = reader_parse(text, length);
    struct reader reader = reader_of(object);
    struct key key = get_key(&reader);

    if (reader.failed) {
        key_clear(&key);
        return refused(&reader, ret_why);
    }
    *ret = key;
    return 0;
}

int contract_read_created(const char *text, size_t length, struct key *ret, char **ret_secret,
                          const char **ret_why)
{
    _cleanup_json_ json_object *object = reader_parse(text, length);
    struct reader reader = reader_of(object);
    struct key key = get_key(&reader);
    const char *secret = reader_word(&reader, "key", CONTRACT_SECRET_MAX);

    if (reader.failed) {
        key_clear(&key);
        return refused(&reader, ret_why);
    }
    *ret = key;
    *ret_secret = g_strdup(secret);
    return 0;
}

/* Somebody else's key of a kind that did not exist yet must not hide all others: its id alone is told. Not so
 * for one that may be ours by its name. */
static bool get_foreign(json_object *item, struct key *ret)
{
    struct reader reader = reader_of(item), names = reader;
    const char *name = reader_text(&names, "name", TEXT_MAX);
    const char *id = get_id(&reader);

    if (reader.failed || (!names.failed && strstr(name, " [kt ") != NULL))
        return false;
    *ret = (struct key){
        .id = g_strdup(id),
        .name = g_strdup(""),
        .type = g_strdup(""),
        .access = g_strdup(""),
        .permissions = g_new0(char *, 1),
        .last4 = g_strdup(""),
    };
    return true;
}

static GPtrArray *get_keys(struct reader *reader, const char *name, unsigned limit)
{
    json_object *list = reader_get(reader, name, json_type_array);
    size_t count = list ? json_object_array_length(list) : 0;
    GPtrArray *keys = g_ptr_array_new_with_free_func(key_free);

    if (count > limit)
        reader_fail(reader, name);
    for (size_t i = 0; i < count && !reader->failed; i++) {
        json_object *item = json_object_array_get_idx(list, i);
        struct reader inner = {.object = item};
        struct key *key = g_new0(struct key, 1);
        bool is_object = json_object_is_type(item, json_type_object);

        if (!is_object)
            reader_fail(&inner, name);
        *key = get_key(&inner);
        g_ptr_array_add(keys, key);
        if (!inner.failed)
            continue;
        key_clear(key);
        if (!is_object || !get_foreign(item, key))
            reader_fail(reader, inner.why);
    }
    return keys;
}

int contract_read_listing(const char *text, size_t length, unsigned limit, unsigned offset,
                          struct listing *ret, const char **ret_why)
{
    _cleanup_json_ json_object *object = reader_parse(text, length);
    struct reader reader = reader_of(object), pages = reader;
    struct listing listing = {.keys = get_keys(&reader, "data", limit)};
    json_object *has_more;

    pages.object = reader_get(&reader, "pagination", json_type_object);
    pages.failed = reader.failed;
    pages.why = reader.why;
    reader_count(&pages, "limit");
    if (reader_count(&pages, "offset") != offset)
        reader_fail(&pages, "offset");
    listing.total = reader_count(&pages, "total");
    has_more = reader_get(&pages, "has_more", json_type_boolean);
    if (pages.failed) {
        listing_clear(&listing);
        return refused(&pages, ret_why);
    }
    listing.has_more = json_object_get_boolean(has_more);
    *ret = listing;
    return 0;
}

int contract_read_data(const char *text, size_t length, const char **ret_why)
{
    _cleanup_json_ json_object *object = reader_parse(text, length);
    struct reader reader = reader_of(object);

    if (!reader_has(&reader, "data"))
        reader_fail(&reader, "data");
    return reader.failed ? refused(&reader, ret_why) : 0;
}

int contract_read_object(const char *text, size_t length, const char **ret_why)
{
    _cleanup_json_ json_object *object = reader_parse(text, length);
    struct reader reader = reader_of(object);

    return reader.failed ? refused(&reader, ret_why) : 0;
}

static bool is_error_status(unsigned status)
{
    for (size_t i = 0; i < G_N_ELEMENTS(error_statuses); i++)
        if (status == error_statuses[i])
            return true;
    return false;
}

/* "unauthorized", "rate_limited". */
static const char *get_error(struct reader *reader, const char *name)
{
    const char *word = reader_word(reader, name, READER_WORD_MAX);

    if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
        reader_fail(reader, name);
    return word;
}

static usec_t get_span(struct reader *reader, const char *name)
{
    uint64_t seconds = reader_has(reader, name) ? reader_count(reader, name) : 0;

    return seconds > USEC_INFINITY / USEC_PER_SEC ? USEC_INFINITY : seconds * USEC_PER_SEC;
}

int contract_read_fault(const char *text, size_t length, unsigned status, struct fault *ret,
                        const char **ret_why)
{
    _cleanup_json_ json_object *object = reader_parse(text, length);
    struct reader reader = reader_of(object);
    struct fault fault = {
        .error = g_strdup(get_error(&reader, "error")),
        .message = g_strdup(reader_text(&reader, "message", TEXT_MAX)),
        .request_id = g_strdup(
            reader_has(&reader, "request_id") ? reader_word(&reader, "request_id", CONTRACT_ID_MAX) : ""),
        .retry_after = get_span(&reader, "retry_after"),
    };

    /* Anybody's page can have an "error"; with HueChat's code in it, it is HueChat's. */
    if (reader_count(&reader, "code") != status || !is_error_status(status))
        reader_fail(&reader, "code");
    if (reader_has(&reader, "details"))
        reader_get(&reader, "details", json_type_object);
    if (reader.failed) {
        fault_clear(&fault);
        return refused(&reader, ret_why);
    }
    *ret = fault;
    return 0;
}

char *contract_write_key(const char *name, const char *type, const char *access, char *const *permissions)
{
    _cleanup_json_ json_object *object = json_object_new_object();
    json_object *list = json_object_new_array();

    for (; *permissions; permissions++)
        json_object_array_add(list, json_object_new_string(*permissions));
    json_object_object_add(object, "name", json_object_new_string(name));
    json_object_object_add(object, "type", json_object_new_string(type));
    json_object_object_add(object, "access", json_object_new_string(access));
    json_object_object_add(object, "permissions", list);
    return g_strdup(
        json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}
