/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One file at a time; one that is wrong stops no other. */
#include "daemon/definitions.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/errors.h"
#include "daemon/io/journal.h"
#include "daemon/io/messages.h"
#include "daemon/util/files.h"

#define SUFFIX ".conf"

struct load {
    struct daemon *daemon;
    bool tell;
    GHashTable *seen; /* names that have a file */
    GError *first;
    unsigned more;
};

static char *folder_of(const struct daemon *daemon)
{
    return g_build_filename(daemon->paths.config, "integrations", NULL);
}

static char *path_of(const struct daemon *daemon, const char *name)
{
    g_autofree char *folder = folder_of(daemon);
    g_autofree char *file = g_strconcat(name, SUFFIX, NULL);

    return g_build_filename(folder, file, NULL);
}

/* Takes the error. */
static void note_error(struct load *load, GError *error)
{
    journal_send(LOG_ERR, MESSAGE_FILE_TROUBLE, (const char *[]){NULL}, "%s", error->message);
    if (load->first == NULL) {
        load->first = error;
        return;
    }
    load->more++;
    g_error_free(error);
}

static const char *describe_unread(int r)
{
    if (r == -EINVAL)
        return "it is no regular file";
    return r == -EILSEQ ? "it is no text" : g_strerror(-r);
}

static bool read_text(const char *path, char **ret, GError **error)
{
    int r = file_read(path, ret);

    if (r == 0)
        return true;
    g_set_error(error, KT_ERROR, KT_FAILED, "%s: %s: let it be a file that keyturnd may read", path,
                describe_unread(r));
    return false;
}

static void load_config(struct load *load)
{
    struct daemon *daemon = load->daemon;
    g_autofree char *path = g_build_filename(daemon->paths.config, "keyturn.conf", NULL);
    g_autofree char *text = NULL;
    GError *error = NULL;
    struct config *config;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        config = config_new();
    else
        config = read_text(path, &text, &error) ? config_parse(path, text, &error) : NULL;
    if (config == NULL) {
        note_error(load, error);
        return;
    }
    for (int i = 0; i < ENVIRONMENT_COUNT; i++)
        if (daemon->providers[i] != NULL)
            provider_set_settings(daemon->providers[i], &config->api[i]);
    config_free(daemon->config);
    daemon->config = config;
}

/* The environment of a key can't be changed, and the ledger has the last word on it. */
static bool check_environment(struct daemon *daemon, const struct entry *entry,
                              const struct integration *definition, const char *path, GError **error)
{
    int r;

    if (entry != NULL && entry->definition->environment != definition->environment) {
        g_set_error(error, KT_ERROR, KT_INVALID,
                    "%s: Environment= is %s and can't be changed: add another integration", path,
                    environment_name(entry->definition->environment));
        return false;
    }
    if (entry != NULL)
        return true;
    r = ledger_put_integration(daemon->ledger, definition->name, definition->environment);
    if (r < 0)
        g_set_error(error, KT_ERROR, KT_FAILED, "the ledger can't be written: %s: make room in %s",
                    g_strerror(-r), daemon->paths.state);
    return r == 0;
}

static void take(struct load *load, struct integration *definition)
{
    struct daemon *daemon = load->daemon;
    struct entry *entry = registry_find(daemon->registry, definition->name);
    bool is_new = entry == NULL;
    bool same = !is_new && entry->has_file && integration_equal(entry->definition, definition);

    entry = registry_put(daemon->registry, definition);
    if (entry->file_trouble) {
        entry->file_trouble = false;
        daemon_attention(daemon, entry, NULL);
    }
    entry->has_file = true;
    entry->is_undefined = false;
    if (!load->tell || same)
        return;
    if (is_new)
        daemon->news->added(entry, daemon->news_userdata);
    else
        daemon->news->changed(entry, daemon->news_userdata);
}

static void load_file(struct load *load, const char *name)
{
    struct daemon *daemon = load->daemon;
    struct entry *entry = registry_find(daemon->registry, name);
    g_autofree char *path = path_of(daemon, name);
    g_autofree char *text = NULL;
    _cleanup_integration_ struct integration *definition = NULL;
    GError *error = NULL;

    if (read_text(path, &text, &error))
        definition = integration_parse(name, path, text, daemon->config->extra_permissions, &error);
    if (definition != NULL && check_environment(daemon, entry, definition, path, &error)) {
        take(load, g_steal_pointer(&definition));
        return;
    }
    if (entry != NULL) {
        entry->file_trouble = true;
        daemon_attention(daemon, entry, error->message);
    }
    note_error(load, error);
}

static void load_folder(struct load *load)
{
    g_autofree char *folder = folder_of(load->daemon);
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;

    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *name = NULL;

        if (!g_str_has_suffix(file, SUFFIX))
            continue;
        name = g_strndup(file, strlen(file) - strlen(SUFFIX));
        if (!integration_name_is_valid(name)) {
            note_error(
                load,
                g_error_new(KT_ERROR, KT_INVALID,
                            "%s/%s: its name is no integration's: use 1 to 64 of a-z 0-9 . _ -, starting "
                            "with a letter or digit",
                            folder, file));
            continue;
        }
        g_hash_table_add(load->seen, g_strdup(name));
        load_file(load, name);
    }
}

static void look_for_vanished(struct entry *entry, void *userdata)
{
    struct load *load = userdata;
    const char *name = entry->definition->name;
    g_autofree char *text = NULL;

    if (g_hash_table_contains(load->seen, name))
        return;
    entry->has_file = false;
    entry->file_trouble = true;
    text = g_strdup_printf("its file %s.conf is gone: put it back, or keyturn remove %s", name, name);
    daemon_attention(load->daemon, entry, text);
}

bool definitions_load(struct daemon *daemon, bool tell, GError **error)
{
    struct load load = {.daemon = daemon, .tell = tell};

    load.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    load_config(&load);
    load_folder(&load);
    registry_each(daemon->registry, false, look_for_vanished, &load);
    g_hash_table_destroy(load.seen);
    if (load.first == NULL)
        return true;
    if (load.more > 0)
        g_set_error(error, KT_ERROR, load.first->code, "%s (and %u more, see the log of keyturnd)",
                    load.first->message, load.more);
    else
        g_set_error_literal(error, KT_ERROR, load.first->code, load.first->message);
    g_error_free(load.first);
    return false;
}

int definitions_write(struct daemon *daemon, const struct integration *definition)
{
    g_autofree char *folder = folder_of(daemon);
    g_autofree char *path = path_of(daemon, definition->name);
    g_autofree char *text = integration_to_text(definition);
    int r = folder_make(folder);

    return r < 0 ? r : file_replace(path, 0644, text, strlen(text));
}

int definitions_delete(struct daemon *daemon, const char *name)
{
    g_autofree char *path = path_of(daemon, name);

    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
