/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dictionaries field by field, by a table of names, types and places. */
#include "daemon/io/provider-message.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "daemon/core/listing.h"
#include "daemon/util/text.h"

/* What the contract allows; the helper is not believed that it looked. */
#define TEXT_BYTES_MAX 16384
#define WORDS_MAX 64
#define WORD_MAX 64

/* Where a field of a dictionary goes, and whether it was there. */
struct field {
    const char *name;
    char type; /* of D-Bus; 'a' is as */
    void *place;
    bool found;
};

int provider_append_api(sd_bus_message *m, const struct api_settings *settings)
{
    return sd_bus_message_append(m, "a{sv}", 7, "BaseURL", "s", settings->base_url, "Header", "s",
                                 settings->header, "KeysPath", "s", settings->keys_path, "ProbePath", "s",
                                 settings->probe_path, "CAFile", "s", settings->ca_file, "Proxy", "s",
                                 settings->proxy, "Timeout", "t", settings->timeout);
}

/* One by one, as what is too much is not to be copied first. */
static int read_words(sd_bus_message *m, char ***place)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    const char *word;
    int r;

    r = sd_bus_message_enter_container(m, 'a', "s");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_read_basic(m, 's', &word)) > 0) {
        if (words->len == WORDS_MAX || !text_is_word(word, WORD_MAX))
            return -EBADMSG;
        g_ptr_array_add(words, g_strdup(word));
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    g_ptr_array_add(words, NULL);
    g_strfreev(*place);
    *place = (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
    return 0;
}

/* The value of a variant, which was entered before. A text of an earlier field of that name is freed. */
static int read_value(sd_bus_message *m, struct field *field)
{
    const char *text;
    int r, truth;

    switch (field->type) {
    case 's':
        r = sd_bus_message_read(m, "s", &text);
        if (r < 0)
            return r;
        if (strlen(text) > TEXT_BYTES_MAX)
            return -EBADMSG;
        g_free(*(char **)field->place);
        *(char **)field->place = g_strdup(text);
        return 0;
    case 'b':
        r = sd_bus_message_read(m, "b", &truth);
        if (r < 0)
            return r;
        *(bool *)field->place = truth;
        return 0;
    case 'a':
        return read_words(m, field->place);
    }
    return sd_bus_message_read_basic(m, field->type, field->place);
}

static struct field *find_field(struct field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (g_str_equal(fields[i].name, name))
            return &fields[i];
    return NULL;
}

static int read_entry(sd_bus_message *m, struct field *fields, size_t n)
{
    struct field *field;
    const char *name;
    int r;

    r = sd_bus_message_read(m, "s", &name);
    if (r < 0)
        return r;
    field = find_field(fields, n, name);
    if (field == NULL)
        return sd_bus_message_skip(m, "v");
    r = sd_bus_message_enter_container(m, 'v', field->type == 'a' ? "as" : (char[]){field->type, '\0'});
    if (r <= 0)
        return r < 0 ? r : -EBADMSG;
    r = read_value(m, field);
    if (r < 0)
        return r;
    field->found = true;
    return sd_bus_message_exit_container(m);
}

/* Returns how many of the fields were there, or negative errno. Others are passed over. */
static int read_dictionary(sd_bus_message *m, struct field *fields, size_t n)
{
    int r, found = 0;

    r = sd_bus_message_enter_container(m, 'a', "{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = read_entry(m, fields, n);
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
        if (r < 0)
            return r;
    }
    if (r >= 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        found += fields[i].found;
    return found;
}

static void replace(char **place, char *text)
{
    g_free(*place);
    *place = text;
}

int provider_read_answer(sd_bus_message *m, struct answer *ret)
{
    struct answer answer = {0};
    uint32_t status = 0;
    struct field fields[] = {
        {"Status", 'u', &status},
        {"Sent", 'b', &answer.sent},
        {"Complete", 'b', &answer.complete},
        {"Error", 's', &answer.error},
        {"Message", 's', &answer.message},
        {"RequestId", 's', &answer.request_id},
        {"Date", 't', &answer.date},
        {"RetryAfter", 't', &answer.retry_after},
        {"RateLimit", 'x', &answer.rate_limit},
        {"RateRemaining", 'x', &answer.rate_remaining},
        {"RateReset", 'x', &answer.rate_reset},
    };
    int r = read_dictionary(m, fields, G_N_ELEMENTS(fields));

    if (r < (int)G_N_ELEMENTS(fields)) {
        answer_clear(&answer);
        return r < 0 ? r : -EBADMSG;
    }
    replace(&answer.error, text_line(answer.error, NULL));
    replace(&answer.message, text_line(answer.message, NULL));
    replace(&answer.request_id, text_line(answer.request_id, NULL));
    answer.status = status;
    *ret = answer;
    return 0;
}

/* An entry of a list that nobody understands: nobody's key but somebody's. */
static bool is_foreign(const struct remote_key *key, const char *type)
{
    return *type == '\0' && *key->last4 == '\0' && *key->name == '\0';
}

static bool are_permissions(char *const *list)
{
    for (; list != NULL && *list != NULL; list++)
        if (text_shows_key(*list, NULL))
            return false;
    return true;
}

static bool key_makes_sense(struct remote_key *key, const char *type, const char *access)
{
    if (!text_is_word(key->id, TEXT_NAME_MAX) || text_shows_key(key->id, NULL) ||
        !are_permissions(key->permissions))
        return false;
    if (is_foreign(key, type)) {
        key->type = ENVIRONMENT_COUNT;
        return true;
    }
    if (strlen(key->last4) != 4 || !text_is_word(key->last4, 4) || environment_parse(type, &key->type) < 0)
        return false;
    key->full_access = g_str_equal(access, "full");
    return key->full_access || g_str_equal(access, "custom");
}

int provider_read_key(sd_bus_message *m, struct remote_key *ret)
{
    g_autofree char *type = NULL, *access = NULL;
    struct remote_key key = {0};
    struct field fields[] = {
        {"Id", 's', &key.id},
        {"Name", 's', &key.name},
        {"Type", 's', &type},
        {"Access", 's', &access},
        {"Permissions", 'a', &key.permissions},
        {"Last4", 's', &key.last4},
        {"CreatedAt", 't', &key.created_at},
        {"LastUsedAt", 't', &key.last_used_at},
    };
    int r = read_dictionary(m, fields, G_N_ELEMENTS(fields));

    if (r == 0)
        r = -ENODATA;
    else if (r > 0 && (r < (int)G_N_ELEMENTS(fields) || !key_makes_sense(&key, type, access)))
        r = -EBADMSG;
    if (r < 0) {
        remote_key_clear(&key);
        return r;
    }
    replace(&key.name, text_printable(key.name, TEXT_MESSAGE_MAX));
    *ret = key;
    return 0;
}

static void clear_key(void *key)
{
    remote_key_clear(key);
}

int provider_read_keys(sd_bus_message *m, GArray **ret)
{
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(struct remote_key));
    int r;

    g_array_set_clear_func(keys, clear_key);
    r = sd_bus_message_enter_container(m, 'a', "a{sv}");
    if (r < 0)
        return r;
    while ((r = sd_bus_message_at_end(m, false)) == 0) {
        struct remote_key key;

        r = keys->len < LISTING_PAGE ? provider_read_key(m, &key) : -EBADMSG;
        if (r < 0)
            return r;
        g_array_append_val(keys, key);
    }
    if (r > 0)
        r = sd_bus_message_exit_container(m);
    if (r < 0)
        return r;
    *ret = g_steal_pointer(&keys);
    return 0;
}
